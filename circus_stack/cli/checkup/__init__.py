"""What `circus-stack doctor` looks at, a module an area; each returns findings and prints nothing."""
