"""Many submissions: what each is called, and who grades it when."""
