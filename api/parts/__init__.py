"""One capability each, put together from its layers by the settings; `api.composition` joins them."""
