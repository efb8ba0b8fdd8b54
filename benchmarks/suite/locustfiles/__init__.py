"""Files that locust runs, in a process of its own. They import nothing of the suite, nor does it import them."""
