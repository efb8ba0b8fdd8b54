"""The stack as the console asks it: connections that are shared and bounded, and answers in the console's own words."""
