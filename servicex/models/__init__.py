"""Tables, and the queries over each table. Nothing here commits."""
from servicex.models.base import Base, db
from servicex.models.control import GeneratedProgram, TransformControl
from servicex.models.dataset import Dataset, DatasetFile, LookupStatus
from servicex.models.result import FileStatus, TransformResult
from servicex.models.submission_key import SubmissionKey
from servicex.models.transform import TransformRequest, TransformStatus
from servicex.models.user import ApiToken, User

__all__ = [
    "ApiToken", "Base", "Dataset", "DatasetFile", "FileStatus", "GeneratedProgram", "LookupStatus", "SubmissionKey",
    "TransformControl", "TransformRequest", "TransformResult", "TransformStatus", "User", "db",
]
