"""The endpoints, one module a resource; handlers only translate."""
