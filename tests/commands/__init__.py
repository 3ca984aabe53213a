"""Commands of `servicex-app` that have a file of their own."""
