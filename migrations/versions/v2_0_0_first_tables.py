"""The first tables, named as in existing deployments so that those can be taken over.

Revision ID: v2_0_0
Revises: none
"""
import sqlalchemy as sa
from alembic import op

revision = 'v2_0_0'
down_revision = None
branch_labels = None
depends_on = None

STATUS = sa.Enum('submitted', 'pending_lookup', 'lookup', 'running', 'complete', 'fatal', 'canceled', 'bad_dataset',
                 name='transformstatus')


def upgrade():
    op.create_table('datasets',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=1024), nullable=False),
        sa.Column('did_finder', sa.String(length=64), nullable=False),
        sa.Column('n_files', sa.Integer(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('events', sa.BigInteger(), nullable=False),
        sa.Column('last_used', sa.DateTime(), nullable=False),
        sa.Column('last_updated', sa.DateTime(), nullable=False),
        sa.Column('lookup_status', sa.String(length=16), nullable=False),
        sa.Column('is_stale', sa.Boolean(), nullable=False),
        sa.Column('lookup_message', sa.Text()),
        sa.Column('lookup_attempts', sa.Integer(), nullable=False),
        sa.Column('lookup_deadline', sa.DateTime()),
        sa.PrimaryKeyConstraint('id', name='datasets_pkey')
    )
    op.create_index('ix_datasets_current_name', 'datasets', ['name'], unique=True,
                    sqlite_where=sa.text('NOT is_stale'), postgresql_where=sa.text('NOT is_stale'))
    op.create_index('ix_datasets_lookup_status', 'datasets', ['lookup_status'])

    op.create_table('users',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('admin', sa.Boolean()),
        sa.Column('created_at', sa.DateTime()),
        sa.Column('email', sa.String(length=320), nullable=False),
        sa.Column('experiment', sa.String(length=120)),
        sa.Column('institution', sa.String(length=120)),
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('pending', sa.Boolean()),
        sa.Column('sub', sa.String(length=320), nullable=False),
        sa.Column('updated_at', sa.DateTime()),
        sa.Column('verified_email', sa.String(length=320)),
        sa.PrimaryKeyConstraint('id', name='users_pkey'),
        sa.UniqueConstraint('verified_email', name='users_verified_email_key')
    )
    op.create_index('ix_users_sub', 'users', ['sub'], unique=True)

    op.create_table('user_identities',
        sa.Column('sub', sa.String(length=320), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('provider', sa.String(length=64), nullable=False),
        sa.Column('email', sa.String(length=320), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('last_sign_in_at', sa.DateTime()),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='user_identities_user_id_fkey', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('sub', name='user_identities_pkey')
    )
    op.create_index('ix_user_identities_user_id', 'user_identities', ['user_id'])

    op.create_table('sign_ins',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('user_id', sa.Integer()),
        sa.Column('identity', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('expires_at', sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='sign_ins_user_id_fkey', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='sign_ins_pkey'),
        sa.UniqueConstraint('digest', name='sign_ins_digest_key')
    )
    op.create_index('ix_sign_ins_user_id', 'sign_ins', ['user_id'])
    op.create_index('ix_sign_ins_expires_at', 'sign_ins', ['expires_at'])

    op.create_table('device_codes',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('user_code', sa.String(length=16), nullable=False),
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('user_id', sa.Integer()),
        sa.Column('denied', sa.Boolean(), nullable=False),
        sa.Column('expires_at', sa.DateTime(), nullable=False),
        sa.Column('polled_at', sa.DateTime()),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='device_codes_user_id_fkey', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='device_codes_pkey'),
        sa.UniqueConstraint('digest', name='device_codes_digest_key'),
        sa.UniqueConstraint('user_code', name='device_codes_user_code_key')
    )
    op.create_index('ix_device_codes_expires_at', 'device_codes', ['expires_at'])

    op.create_table('audit_log',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('at', sa.DateTime(), nullable=False),
        sa.Column('who', sa.String(length=320), nullable=False),
        sa.Column('user_id', sa.Integer()),
        sa.Column('action', sa.String(length=64), nullable=False),
        sa.Column('subject', sa.String(length=320), nullable=False),
        sa.Column('address', sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint('id', name='audit_log_pkey')
    )

    op.create_table('notices',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('channel', sa.String(length=16), nullable=False),
        sa.Column('content', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('next_attempt_at', sa.DateTime()),
        sa.Column('sent_at', sa.DateTime()),
        sa.Column('failure', sa.Text()),
        sa.PrimaryKeyConstraint('id', name='notices_pkey')
    )
    op.create_index('ix_notices_next_attempt_at', 'notices', ['next_attempt_at'])

    op.create_table('api_tokens',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('expires_at', sa.DateTime()),
        sa.Column('last_used_at', sa.DateTime()),
        sa.Column('revoked_at', sa.DateTime()),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='api_tokens_user_id_fkey', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='api_tokens_pkey'),
        sa.UniqueConstraint('digest', name='api_tokens_digest_key')
    )
    op.create_index('ix_api_tokens_user_id', 'api_tokens', ['user_id'])

    op.create_table('files',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('dataset_id', sa.Integer(), nullable=False),
        sa.Column('adler32', sa.String(length=48)),
        sa.Column('file_size', sa.BigInteger()),
        sa.Column('file_events', sa.BigInteger()),
        sa.Column('paths', sa.Text(), nullable=False),
        sa.Column('paths_hash', sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(['dataset_id'], ['datasets.id'], name='files_dataset_id_fkey', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='files_pkey'),
        sa.UniqueConstraint('dataset_id', 'paths_hash', name='files_dataset_id_paths_hash_key')
    )
    op.create_index('ix_dataset_id', 'files', ['dataset_id', 'id'])

    op.create_table('requests',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('request_id', sa.String(length=48), nullable=False),
        sa.Column('title', sa.Text()),
        sa.Column('submit_time', sa.DateTime(), nullable=False),
        sa.Column('finish_time', sa.DateTime()),
        sa.Column('did', sa.String(length=1024), nullable=False),
        sa.Column('did_id', sa.Integer(), nullable=False),
        sa.Column('selection', sa.Text()),
        sa.Column('tree_name', sa.String(length=512)),
        sa.Column('image', sa.String(length=512)),
        sa.Column('workers', sa.Integer()),
        sa.Column('result_destination', sa.String(length=32), nullable=False),
        sa.Column('result_format', sa.String(length=32), nullable=False),
        sa.Column('submitted_by', sa.Integer()),
        sa.Column('files', sa.Integer(), nullable=False),
        sa.Column('files_completed', sa.Integer(), nullable=False),
        sa.Column('files_failed', sa.Integer(), nullable=False),
        sa.Column('total_events', sa.BigInteger(), nullable=False),
        sa.Column('total_bytes', sa.BigInteger(), nullable=False),
        sa.Column('total_time', sa.Double(), nullable=False),
        sa.Column('min_time', sa.Double()),
        sa.Column('max_time', sa.Double()),
        sa.Column('did_lookup_time', sa.Integer()),
        sa.Column('generated_code_cm', sa.String(length=128)),
        sa.Column('status', STATUS, nullable=False),
        sa.Column('failure_description', sa.Text()),
        sa.Column('app_version', sa.String(length=64)),
        sa.Column('code_gen_image', sa.String(length=256)),
        sa.Column('codegen', sa.String(length=128)),
        sa.Column('transformer_language', sa.String(length=256)),
        sa.Column('transformer_command', sa.String(length=256)),
        sa.Column('last_result_at', sa.DateTime()),
        sa.Column('deleted_at', sa.DateTime()),
        sa.Column('retry_of', sa.Integer()),
        sa.ForeignKeyConstraint(['retry_of'], ['requests.id'], name='requests_retry_of_fkey'),
        sa.ForeignKeyConstraint(['did_id'], ['datasets.id'], name='datasets_requests_fkey'),
        sa.ForeignKeyConstraint(['submitted_by'], ['users.id'], name='requests_submitted_by_fkey'),
        sa.PrimaryKeyConstraint('id', name='requests_pkey')
    )
    op.create_index('ix_requests_did_id_status', 'requests', ['did_id', 'status'])
    op.create_index('ix_requests_request_id', 'requests', ['request_id'], unique=True)
    op.create_index('ix_requests_status', 'requests', ['status'])
    op.create_index('ix_requests_submitted_by', 'requests', ['submitted_by'])
    for name, columns in (('listed', ['status', 'id']), ('listed_finish', ['status', 'finish_time', 'id']),
                          ('own', ['submitted_by', 'status', 'id']),
                          ('own_finish', ['submitted_by', 'status', 'finish_time', 'id'])):
        op.create_index(f'ix_requests_{name}', 'requests', columns, sqlite_where=sa.text('deleted_at IS NULL'),
                        postgresql_where=sa.text('deleted_at IS NULL'))

    op.create_table('file_status',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('file_id', sa.Integer(), nullable=False),
        sa.Column('request_id', sa.String(length=48), nullable=False),
        sa.Column('status', sa.String(length=128), nullable=False),
        sa.Column('timestamp', sa.DateTime(), nullable=False),
        sa.Column('pod_name', sa.String(length=128)),
        sa.Column('info', sa.Text()),
        sa.ForeignKeyConstraint(['file_id'], ['files.id'], name='file_status_file_id_fkey'),
        sa.ForeignKeyConstraint(['request_id'], ['requests.request_id'], name='file_status_request_id_fkey'),
        sa.PrimaryKeyConstraint('id', name='file_status_pkey')
    )
    op.create_index('ix_file_status_request_id_file_id', 'file_status', ['request_id', 'file_id'])

    op.create_table('generated_programs',
        sa.Column('transform_id', sa.Integer(), nullable=False),
        sa.Column('archive', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['transform_id'], ['requests.id'], name='generated_programs_transform_id_fkey',
                                ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('transform_id', name='generated_programs_pkey')
    )
    op.create_table('submission_keys',
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('submission', sa.String(length=64), nullable=False),
        sa.Column('transform_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['transform_id'], ['requests.id'], name='submission_keys_transform_id_fkey',
                                ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('key', name='submission_keys_pkey')
    )
    op.create_index('ix_submission_keys_transform_id', 'submission_keys', ['transform_id'])
    op.create_table('transform_control',
        sa.Column('transform_id', sa.Integer(), nullable=False),
        sa.Column('published_through', sa.BigInteger(), nullable=False),
        sa.Column('published_at', sa.DateTime()),
        sa.Column('stalled_rounds', sa.Integer(), nullable=False),
        sa.Column('lease_owner', sa.String(length=64)),
        sa.Column('lease_until', sa.DateTime()),
        sa.Column('next_step_at', sa.DateTime()),
        sa.Column('hurries', sa.Integer(), server_default='0', nullable=False),
        sa.Column('failed_steps', sa.Integer(), nullable=False),
        sa.Column('last_error', sa.Text()),
        sa.Column('torn_down', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['transform_id'], ['requests.id'], name='transform_control_transform_id_fkey', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('transform_id', name='transform_control_pkey')
    )
    op.create_index('ix_transform_control_open', 'transform_control', ['transform_id'],
                    sqlite_where=sa.text('NOT torn_down'), postgresql_where=sa.text('NOT torn_down'))

    op.create_table('transform_result',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('did', sa.String(length=1024), nullable=False),
        sa.Column('file_id', sa.Integer(), nullable=False),
        sa.Column('file_path', sa.Text(), nullable=False),
        sa.Column('request_id', sa.String(length=48), nullable=False),
        sa.Column('transform_status', sa.String(length=120), nullable=False),
        sa.Column('transform_time', sa.Double()),
        sa.Column('total_events', sa.BigInteger()),
        sa.Column('total_bytes', sa.BigInteger()),
        sa.Column('avg_rate', sa.Double()),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('s3_object_name', sa.String(length=1024)),
        sa.Column('object_size', sa.BigInteger()),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('host', sa.String(length=128)),
        sa.Column('error_class', sa.String(length=128)),
        sa.Column('error_message', sa.Text()),
        sa.Column('log', sa.Text()),
        sa.ForeignKeyConstraint(['file_id'], ['files.id'], name='transform_result_file_id_fkey'),
        sa.PrimaryKeyConstraint('id', name='transform_result_pkey'),
        sa.UniqueConstraint('request_id', 'file_id', name='transform_result_request_id_file_id_key'),
        sa.UniqueConstraint('request_id', 's3_object_name', name='transform_result_request_id_s3_object_name_key')
    )
    op.create_index('ix_transform_result_request_id_created_at', 'transform_result', ['request_id', 'created_at'])


def downgrade():
    for table in ('transform_result', 'transform_control', 'submission_keys',
                  'generated_programs', 'file_status', 'requests', 'files',
                  'api_tokens', 'user_identities', 'sign_ins', 'device_codes', 'audit_log', 'notices', 'users',
                  'datasets'):
        op.drop_table(table)
    STATUS.drop(op.get_bind(), checkfirst=True)
