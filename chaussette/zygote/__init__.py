"""The zygote: a process that has loaded the application, and forks workers from it when it is asked to."""
