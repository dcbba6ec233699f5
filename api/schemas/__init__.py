"""What crosses the edge as JSON: Pydantic models in, Pydantic models out."""
