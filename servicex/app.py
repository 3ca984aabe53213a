"""What FLASK_APP and WSGI servers name."""
from servicex import create_app

app = create_app()
