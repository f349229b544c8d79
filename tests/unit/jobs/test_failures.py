from jobs.failures import LONGEST, failure_reason


def test_a_reason_names_the_class_and_the_message():
    assert failure_reason(ValueError("no month")) == "ValueError: no month"
    assert failure_reason(ValueError()) == "ValueError"


def test_a_reason_shows_no_credentials_of_a_url():
    error = OSError("https://reader:s3cret@example.com/data?x=1 and ftp://me@host: no answer")
    assert failure_reason(error) == "OSError: https://***@example.com/data?x=1 and ftp://***@host: no answer"


def test_a_reason_can_be_stored():
    reason = failure_reason(ValueError("a\x00b" * LONGEST))
    assert len(reason) == LONGEST
    assert "\x00" not in reason
