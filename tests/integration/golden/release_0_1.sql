-- Rows in every table of release 0.1 (schema revision 0014), for the test of migrations.
-- Origin: written by hand for that test; the values are invented and obey the constraints of that schema.
INSERT INTO partner (code, name, is_group) VALUES
    ('CHN', 'China', false), ('WLD', 'World', true), ('IDN', 'Indonesia', false), ('VNM', 'Viet Nam', false),
    ('ASEAN', 'ASEAN', true);
INSERT INTO sector (code, name, classification) VALUES ('TOTAL', 'All goods', 'own'), ('EV', 'Electric vehicles', 'own');
INSERT INTO dataset (id, title, reporter, currency, unit, publisher, licence, citation, release_day, derives_rest) VALUES
    ('TEST', 'Exports', 'CHN', 'USD', 'USD m', 'Customs', 'CC BY 4.0', 'Customs (2024)', 9, false);
INSERT INTO membership (group_code, member_code) VALUES ('ASEAN', 'IDN'), ('ASEAN', 'VNM');
INSERT INTO series (id, dataset_id, flow, partner, sector) VALUES
    (1, 'TEST', 'X', 'IDN', 'EV'), (2, 'TEST', 'X', 'VNM', 'EV');
INSERT INTO observation (series_id, month, vintage, value, months, status, backfilled) VALUES
    (1, '2024-02-01', '2024-03-09', 10.5, 2, 'A', true), (1, '2024-03-01', '2024-04-09', 7.25, 1, 'P', false),
    (1, '2024-03-01', '2024-05-09', 7.5, 1, 'A', false), (2, '2024-03-01', '2024-04-09', 0, 1, 'A', false);
INSERT INTO release (dataset_id, period, due_on, due_at, published_at, missing, polls, polled_at) VALUES
    ('TEST', '2024-03-01', '2024-04-09', '2024-04-09 02:00+00', '2024-04-09 00:00+00', 0, 3, '2024-04-09 03:00+00'),
    ('TEST', '2024-04-01', '2024-05-09', NULL, NULL, 1, 0, NULL);
INSERT INTO source_attempt
    (id, dataset_id, source, started_at, finished_at, outcome, inserted, reason, feed_hash, validators)
VALUES
    (1, 'TEST', 'table', '2024-04-09 03:00+00', '2024-04-09 03:01+00', 'new', 2, NULL, 'f', '{"u": {"etag": "x"}}'),
    (2, 'TEST', 'table', '2024-05-09 03:00+00', '2024-05-09 03:01+00', 'failed', 0, 'Unreachable: away', 'f', '{}');
INSERT INTO alert
    (id, dataset_id, kind, period, reason, raised_at, cleared_at, told, attempts, next_attempt_at)
VALUES
    (1, 'TEST', 'late', '2024-03-01', 'late', '2024-04-10 00:00+00', '2024-04-11 00:00+00', 2, 0, NULL),
    (2, 'TEST', 'source', '2024-04-01', 'away', '2024-05-10 00:00+00', NULL, 0, 3, '2024-05-11 00:00+00');
INSERT INTO run
    (id, dataset_id, status, as_of, cutoff, horizon, seed, config, config_hash, data_hash, code_version,
     requested_at, started_at, finished_at, failures, vintage_cutoffs, stage, done, total)
VALUES
    (1, 'TEST', 'published', '2024-04-20', '2024-03-01', 2, 1, '{"horizon": 2}', 'c', 'd1', 'v',
     '2024-04-20 00:00+00', '2024-04-20 00:01+00', '2024-04-20 00:02+00', '[]', '{2024-02-01}', 'write', 1, 1),
    (2, 'TEST', 'published', '2024-05-20', '2024-03-01', 2, 1, '{"horizon": 2}', 'c', 'd2', 'v',
     '2024-05-20 00:00+00', '2024-05-20 00:01+00', '2024-05-20 00:02+00', '[{"reason": "none"}]', '{}', NULL, 0, 0),
    (3, 'TEST', 'failed', '2024-05-21', NULL, 2, 1, '{}', 'c', NULL, 'v',
     '2024-05-21 00:00+00', NULL, '2024-05-21 00:02+00', '[{"reason": "PanelError"}]', '{}', NULL, 0, 0);
INSERT INTO panel_series (run_id, series_id, start, values) VALUES
    (1, 1, '2024-01-01', '{NULL, 10.5, 7.25}'), (2, 1, '2024-01-01', '{NULL, 10.5, 7.5}');
INSERT INTO forecast (run_id, series_id, month, step, mean, median) VALUES
    (1, 1, '2024-04-01', 1, 8, 7.9), (1, 1, '2024-05-01', 2, 8.5, 8.25), (2, 1, '2024-04-01', 1, 8.1, 8),
    (2, 1, '2024-05-01', 2, 8.6, 8.5);
INSERT INTO forecast_quantile (run_id, series_id, month, probability, value) VALUES
    (1, 1, '2024-04-01', 0.1, 6), (1, 1, '2024-04-01', 0.9, 10), (2, 1, '2024-04-01', 0.5, 8);
INSERT INTO forecast_path (run_id, series_id, draws, steps, values) VALUES
    (1, 1, 1, 2, '\x0000004100000841'), (2, 1, 1, 2, '\x0000004100000841');
INSERT INTO forecast_weight (run_id, series_id, forecaster, weight) VALUES (1, 1, 'ets', 0.25), (1, 1, 'prophet', 0.75);
INSERT INTO component (run_id, series_id, name, start, values) VALUES
    (1, 1, 'trend', '2024-01-01', '{NULL, 10, 7}'), (1, 1, 'rest', '2024-01-01', '{NULL, 0.05, 0.03}');
INSERT INTO backtest_forecast (run_id, series_id, forecaster, cutoff, means, quantiles, actuals) VALUES
    (1, 1, 'combination', '2024-02-01', '{7, 8}', '{{6, 7}, {8, 9}}', '{7.25, NULL}'),
    (1, 1, 'naive', '2024-02-01', '{10.5, 10.5}', NULL, '{7.25, NULL}');
INSERT INTO backtest_period (run_id, series_id, kind, cutoff, step, every, means, quantiles, actuals) VALUES
    (1, 1, 'quarter', '2023-12-01', 3, 3, '{20, NULL}', '{{18, NULL}, {22, NULL}}', '{17.75, NULL}');
INSERT INTO score (run_id, series_id, forecaster, step, kind, metric, level, value, n) VALUES
    (1, 1, 'combination', 0, 'month', 'mae', 0, 0.25, 1), (1, 1, 'combination', 1, 'month', 'mae', 0, 0.25, 1),
    (1, 1, 'combination', 1, 'month', 'coverage', 80, 1, 1), (1, 1, 'combination', 0, 'month', 'pit', 30, 1, 1),
    (1, 1, 'naive', 1, 'month', 'mae', 0, 3.25, 1), (1, 1, 'combination', 3, 'quarter', 'mae', 0, 2.25, 1);
INSERT INTO tracking
    (run_id, series_id, month, months, step, mean, median, first_value, first_vintage, latest_value, latest_vintage,
     backfilled, first_level, latest_level, first_wis, latest_wis, promised_mae, promised_coverage)
VALUES
    (1, 1, '2024-04-01', 1, 1, 8, 7.9, 8.25, '2024-05-09', 8.5, '2024-06-09', false, 50, NULL, 0.2, 0.3, 0.25, 1),
    (2, 1, '2024-04-01', 1, 1, 8.1, 8, 8.25, '2024-05-09', 8.5, '2024-06-09', false, 50, 80, 0.1, 0.2, NULL, NULL);
INSERT INTO forecast_change
    (run_id, against_id, series_id, month, new_figures, revised_figures, reestimation)
VALUES (2, 1, 1, '2024-04-01', 0.05, 0.03, 0.02);
INSERT INTO outside_forecast
    (series_id, model_id, reference_date, month, months, output_type, probability, value)
VALUES
    (1, 'poll', '2024-04-25', '2024-04-01', 1, 'median', 0.5, 9), (1, 'poll', '2024-04-25', '2024-04-01', 1, 'quantile', 0.9, 11);
INSERT INTO outside_score
    (series_id, model_id, reference_date, month, months, run_id, step, point, our_point, first_value, latest_value,
     quantiles, first_wis, our_first_wis, latest_wis, our_latest_wis)
VALUES (1, 'poll', '2024-04-25', '2024-04-01', 1, 1, 1, 9, 7.9, 8.25, 8.5, 1, 0.75, 0.35, 0.5, 0.6);
INSERT INTO api_key (id, name, prefix, hash, scopes, created_at, expires_at, last_used_at) VALUES
    (1, 'desk', 'tw_123456789', 'hash', '{read,write}', '2024-04-01 00:00+00', '2034-04-01 00:00+00', NULL);
INSERT INTO sign_in (token_hash, key_id, expires_at) VALUES ('token', 1, '2034-04-01 00:00+00');
