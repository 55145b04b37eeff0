"""The only code that pays: a claimed task, its calls, and the storing of what comes back."""
