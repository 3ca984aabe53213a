-- The tables of the release of 2022 (SQLite).
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('79d404108ebe');
CREATE TABLE users (
    id INTEGER NOT NULL,
    admin BOOLEAN,
    created_at DATETIME,
    email VARCHAR(320) NOT NULL,
    experiment VARCHAR(120),
    institution VARCHAR(120),
    name VARCHAR(120) NOT NULL,
    pending BOOLEAN,
    refresh_token TEXT NOT NULL,
    sub VARCHAR(120) NOT NULL,
    updated_at DATETIME,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_refresh_token_key UNIQUE (refresh_token)
);
CREATE TABLE requests (
    id INTEGER NOT NULL,
    request_id VARCHAR(48) NOT NULL,
    title VARCHAR(128),
    submit_time DATETIME NOT NULL,
    finish_time DATETIME,
    did VARCHAR(512) NOT NULL,
    columns VARCHAR(1024),
    selection VARCHAR(10485760),
    tree_name VARCHAR(512),
    image VARCHAR(128),
    workers INTEGER,
    result_destination VARCHAR(32) NOT NULL,
    result_format VARCHAR(32) NOT NULL,
    workflow_name VARCHAR(40) NOT NULL,
    submitted_by INTEGER,
    files INTEGER,
    files_skipped INTEGER,
    total_events BIGINT,
    total_bytes BIGINT,
    did_lookup_time INTEGER,
    generated_code_cm VARCHAR(128),
    status VARCHAR(128),
    failure_description VARCHAR(10485760),
    app_version VARCHAR(64),
    code_gen_image VARCHAR(256),
    CONSTRAINT requests_pkey PRIMARY KEY (id),
    CONSTRAINT requests_submitted_by_fkey FOREIGN KEY (submitted_by) REFERENCES users (id)
);
CREATE UNIQUE INDEX ix_requests_request_id ON requests (request_id);
CREATE TABLE files (
    id INTEGER NOT NULL,
    request_id VARCHAR(48) NOT NULL,
    adler32 VARCHAR(48),
    file_size BIGINT,
    file_events BIGINT,
    paths TEXT NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (id),
    CONSTRAINT files_request_id_fkey FOREIGN KEY (request_id) REFERENCES requests (request_id)
);
CREATE TABLE file_status (
    id INTEGER NOT NULL,
    file_id INTEGER NOT NULL,
    request_id VARCHAR(48) NOT NULL,
    status VARCHAR(128) NOT NULL,
    timestamp DATETIME NOT NULL,
    pod_name VARCHAR(128),
    info VARCHAR(10485760),
    CONSTRAINT file_status_pkey PRIMARY KEY (id),
    CONSTRAINT file_status_request_id_fkey FOREIGN KEY (request_id) REFERENCES requests (request_id)
);
CREATE TABLE transform_result (
    id INTEGER NOT NULL,
    did VARCHAR(512) NOT NULL,
    file_id INTEGER,
    file_path VARCHAR(512) NOT NULL,
    request_id VARCHAR(48) NOT NULL,
    transform_status VARCHAR(120) NOT NULL,
    transform_time INTEGER,
    total_events BIGINT,
    total_bytes BIGINT,
    avg_rate FLOAT,
    messages INTEGER,
    CONSTRAINT transform_result_pkey PRIMARY KEY (id),
    CONSTRAINT transform_result_file_id_fkey FOREIGN KEY (file_id) REFERENCES files (id)
);
