"""Tables, and the queries over each table. Nothing here commits."""
from servicex.models.audit import AuditEntry
from servicex.models.base import Base, db
from servicex.models.control import GeneratedProgram, TransformControl
from servicex.models.dataset import Dataset, DatasetFile, LookupStatus
from servicex.models.notice import Notice
from servicex.models.result import FileStatus, TransformResult
from servicex.models.sign_in import DeviceCode, SignIn
from servicex.models.submission_key import SubmissionKey
from servicex.models.transform import TransformRequest, TransformStatus
from servicex.models.user import ApiToken, User, UserIdentity

__all__ = [
    "ApiToken", "AuditEntry", "Base", "Dataset", "DatasetFile", "DeviceCode", "FileStatus", "GeneratedProgram",
    "LookupStatus", "Notice", "SignIn", "SubmissionKey", "TransformControl", "TransformRequest", "TransformResult",
    "TransformStatus", "User", "UserIdentity", "db",
]
