"""Long conversations are made shorter before they fill their model's window."""
