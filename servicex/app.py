"""What FLASK_APP and WSGI servers name."""
import gunicorn.http.wsgi

from servicex import create_app
from servicex.commands.users import user
from servicex.observability import set_up_logging
from servicex.settings import load

# It names itself in each answer, and has no option not to.
gunicorn.http.wsgi.SERVER = "ServiceX"
settings = load()
set_up_logging(settings.LOG_LEVEL)
app = create_app(settings)
app.cli.add_command(user)
