-- What a server of 2022 may have: replicas, a failure with its trace, results told twice, lost paths, open transforms.
INSERT INTO users (id, admin, created_at, email, experiment, institution, name, pending, refresh_token, sub, updated_at) VALUES
    (1, true, '2022-01-10 08:00:00.000001', 'ada@example.org', 'ATLAS', 'Geneva', 'Ada', false, 'token-of-ada', 'sub-1', '2022-01-10 08:00:00'),
    (4, false, '2022-01-11 08:00:00', 'bob@example.org', NULL, NULL, 'Bob', true, 'token-of-bob', 'sub-4', '2022-01-12 08:00:00');

INSERT INTO requests (id, request_id, title, submit_time, finish_time, did, columns, selection, tree_name, image, workers, result_destination, result_format, workflow_name, submitted_by, files, files_skipped, total_events, total_bytes, did_lookup_time, generated_code_cm, status, failure_description, app_version, code_gen_image) VALUES
    (1, '2022a000-0000-4000-8000-000000000001', 'Muons', '2022-02-01 10:00:00.250000', '2022-02-01 10:05:00', 'rucio://mc15:x', NULL, '(call EventDataset)', 'Events', 'sslhep/image:1', 10, 'object-store', 'root-file', 'selection_codegen', 1, 3, 0, NULL, NULL, 2, '2022a000-0000-4000-8000-000000000001-generated-source', 'Complete', NULL, '1.0.0', 'codegen:1'),
    (2, '2022a000-0000-4000-8000-000000000002', NULL, '2022-02-02 10:00:00', '2022-02-02 10:05:00', 'rucio://mc15:x', 'pt,eta', NULL, 'Events', 'sslhep/image:1', NULL, 'object-store', 'parquet', 'straight_transform', 4, 1, 0, NULL, NULL, NULL, NULL, 'Complete', NULL, NULL, NULL),
    (5, '2022a000-0000-4000-8000-000000000005', NULL, '2022-02-03 10:00:00', NULL, 'cernopendata://1', NULL, '(call EventDataset)', NULL, 'sslhep/image:1', 1, 'object-store', 'root-file', 'selection_codegen', NULL, 2, 0, NULL, NULL, NULL, NULL, 'Running', NULL, NULL, NULL),
    (6, '2022a000-0000-4000-8000-000000000006', NULL, '2022-02-04 10:00:00', NULL, 'cernopendata://2', NULL, 's', NULL, NULL, 1, 'object-store', 'root-file', 'selection_codegen', 1, NULL, NULL, NULL, NULL, NULL, NULL, 'Submitted', NULL, NULL, NULL),
    (7, '2022a000-0000-4000-8000-000000000007', NULL, '2022-02-05 10:00:00', '2022-02-05 10:00:01', 'File List Provided in Request', NULL, 's', NULL, NULL, 1, 'object-store', 'root-file', 'selection_codegen', 1, NULL, NULL, NULL, NULL, NULL, NULL, 'Fatal', 'No such dataset', NULL, NULL),
    (8, '2022a000-0000-4000-8000-000000000008', NULL, '2022-02-06 10:00:00', '2022-02-06 10:00:01', 'rucio://old', NULL, 's', NULL, NULL, 1, 'kafka', 'arrow', 'selection_codegen', 1, 2, NULL, NULL, NULL, NULL, NULL, 'Canceled', NULL, NULL, NULL);

INSERT INTO files (id, request_id, adler32, file_size, file_events, paths) VALUES
    (11, '2022a000-0000-4000-8000-000000000001', 'a1', 1000, 10, 'root://one//a.root,root://two//a.root'),
    (12, '2022a000-0000-4000-8000-000000000001', NULL, 2000, 20, 'root://one//b.root'),
    (13, '2022a000-0000-4000-8000-000000000001', NULL, NULL, NULL, 'root://one//c é.root'),
    (21, '2022a000-0000-4000-8000-000000000002', NULL, 3000000000, 30, 'root://one//a.root,root://two//a.root'),
    (51, '2022a000-0000-4000-8000-000000000005', NULL, 1, 1, 'root://one//d.root'),
    (52, '2022a000-0000-4000-8000-000000000005', NULL, 1, 1, 'root://one//e.root'),
    (81, '2022a000-0000-4000-8000-000000000008', NULL, 1, 1, 'old'),
    (82, '2022a000-0000-4000-8000-000000000008', NULL, 1, 1, 'old');

INSERT INTO transform_result (id, did, file_id, file_path, request_id, transform_status, transform_time, total_events, total_bytes, avg_rate, messages) VALUES
    (101, 'rucio://mc15:x', 11, 'root://one//a.root', '2022a000-0000-4000-8000-000000000001', 'success', 7, 10, 500, 1.5, 0),
    (102, 'rucio://mc15:x', 12, 'root://one//b.root', '2022a000-0000-4000-8000-000000000001', 'failure', 3, 0, 0, 0, 0),
    (103, 'rucio://mc15:x', 12, 'root://one//b.root', '2022a000-0000-4000-8000-000000000001', 'success', 4, 20, 600, 5, 0),
    (104, 'rucio://mc15:x', 11, 'root://two//a.root', '2022a000-0000-4000-8000-000000000001', 'success', 8, 10, 500, 1.25, 0),
    (105, 'rucio://mc15:x', 13, 'root://one//c é.root', '2022a000-0000-4000-8000-000000000001', 'failure', NULL, NULL, NULL, NULL, 0),
    (201, 'rucio://mc15:x', 21, 'root://two//a.root', '2022a000-0000-4000-8000-000000000002', 'success', 9, 30, 700, 3.3, 0),
    (501, 'cernopendata://1', NULL, 'root://one//d.root', '2022a000-0000-4000-8000-000000000005', 'success', 2, 1, 50, 0.5, 0),
    (502, 'cernopendata://1', NULL, 'root://nowhere', '2022a000-0000-4000-8000-000000000005', 'success', 2, 1, 50, 0.5, 0);

INSERT INTO file_status (id, file_id, request_id, status, timestamp, pod_name, info) VALUES
    (1001, 11, '2022a000-0000-4000-8000-000000000001', 'start', '2022-02-01 10:01:00', 'pod-1', NULL),
    (1002, 11, '2022a000-0000-4000-8000-000000000001', 'complete', '2022-02-01 10:02:00', 'pod-1', NULL),
    (1003, 13, '2022a000-0000-4000-8000-000000000001', 'failure', '2022-02-01 10:02:30', 'pod-1', 'an earlier reason'),
    (1004, 13, '2022a000-0000-4000-8000-000000000001', 'failure', '2022-02-01 10:03:00', 'pod-2', 'cannot open the file
Traceback of it'),
    (1005, 999, '2022a000-0000-4000-8000-000000000001', 'start', '2022-02-01 10:03:00', 'pod-2', NULL);
