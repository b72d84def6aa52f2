"""What a model learns to answer: one file a task, its name is listed by `registry.names("task")`."""
