-- The tables of the release of 2024 (PostgreSQL).
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('v1_3_0');
CREATE TABLE users (
    id SERIAL NOT NULL,
    admin BOOLEAN,
    created_at TIMESTAMP WITHOUT TIME ZONE,
    email VARCHAR(320) NOT NULL,
    experiment VARCHAR(120),
    institution VARCHAR(120),
    name VARCHAR(120) NOT NULL,
    pending BOOLEAN,
    refresh_token TEXT,
    sub VARCHAR(120) NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_refresh_token_key UNIQUE (refresh_token)
);
CREATE TABLE datasets (
    id SERIAL NOT NULL,
    name VARCHAR(1024) NOT NULL,
    last_used TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    last_updated TIMESTAMP WITHOUT TIME ZONE,
    did_finder VARCHAR(64) NOT NULL,
    n_files INTEGER,
    size BIGINT,
    events BIGINT,
    lookup_status VARCHAR(16) NOT NULL,
    CONSTRAINT datasets_pkey PRIMARY KEY (id),
    CONSTRAINT datasets_name_key UNIQUE (name)
);
CREATE UNIQUE INDEX ix_datasets_name ON datasets (name);
CREATE TYPE transformstatus AS ENUM ('submitted', 'pending_lookup', 'lookup', 'running', 'complete', 'fatal', 'canceled');
CREATE TABLE requests (
    id SERIAL NOT NULL,
    request_id VARCHAR(48) NOT NULL,
    title VARCHAR(128),
    submit_time TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    finish_time TIMESTAMP WITHOUT TIME ZONE,
    did VARCHAR(512) NOT NULL,
    did_id INTEGER NOT NULL,
    selection VARCHAR(10485760),
    tree_name VARCHAR(512),
    image VARCHAR(128),
    workers INTEGER,
    result_destination VARCHAR(32) NOT NULL,
    result_format VARCHAR(32) NOT NULL,
    submitted_by INTEGER,
    files INTEGER,
    files_completed INTEGER NOT NULL,
    files_failed INTEGER NOT NULL,
    total_events BIGINT,
    total_bytes BIGINT,
    did_lookup_time INTEGER,
    generated_code_cm VARCHAR(128),
    status transformstatus,
    failure_description VARCHAR(10485760),
    app_version VARCHAR(64),
    code_gen_image VARCHAR(256),
    transformer_language VARCHAR(256),
    transformer_command VARCHAR(256),
    CONSTRAINT requests_pkey PRIMARY KEY (id),
    CONSTRAINT requests_submitted_by_fkey FOREIGN KEY (submitted_by) REFERENCES users (id),
    CONSTRAINT datasets_requests_fkey FOREIGN KEY (did_id) REFERENCES datasets (id)
);
CREATE UNIQUE INDEX ix_requests_request_id ON requests (request_id);
CREATE TABLE files (
    id SERIAL NOT NULL,
    dataset_id INTEGER NOT NULL,
    adler32 VARCHAR(48),
    file_size BIGINT,
    file_events BIGINT,
    paths TEXT NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (id),
    CONSTRAINT files_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES datasets (id) ON DELETE CASCADE
);
CREATE INDEX ix_dataset_id ON files (dataset_id);
CREATE TABLE transform_result (
    id SERIAL NOT NULL,
    did VARCHAR(512) NOT NULL,
    file_id INTEGER,
    file_path VARCHAR(512) NOT NULL,
    request_id VARCHAR(48) NOT NULL,
    transform_status VARCHAR(120) NOT NULL,
    transform_time INTEGER,
    total_events BIGINT,
    total_bytes BIGINT,
    avg_rate DOUBLE PRECISION,
    CONSTRAINT transform_result_pkey PRIMARY KEY (id),
    CONSTRAINT transform_result_file_id_fkey FOREIGN KEY (file_id) REFERENCES files (id)
);
CREATE INDEX ix_transform_result_request_id ON transform_result (request_id);
CREATE INDEX ix_transform_result_transform_status ON transform_result (transform_status);
