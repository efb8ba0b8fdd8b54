"""What the results of probes come to, without a probe."""

from __future__ import annotations

from circus_stack.arbiter.patient import Finding, Patient


def notes(
    patient: Patient, *errors: str, threshold: int = 2, start_period: float = 0.0, now: float = 0.0
) -> list[Finding]:
    return [
        patient.note(each, now, 1000.0 + number, threshold=threshold, start_period=start_period)
        for number, each in enumerate(errors)
    ]


def test_it_is_lost_after_so_many_failures_in_a_row_and_told_once() -> None:
    patient = Patient(None, 0.0)
    assert notes(patient, "a", "", "b", "c", "d") == [
        *(Finding.NOTHING_NEW, Finding.NOTHING_NEW, Finding.NOTHING_NEW),
        *(Finding.LOST, Finding.STILL_LOST),
    ]
    assert notes(patient, "", "") == [Finding.REGAINED, Finding.NOTHING_NEW]


def test_the_last_error_stays_to_be_seen() -> None:
    patient = Patient(7, 0.0)
    assert patient.view().is_healthy is None
    notes(patient, "refused", "")
    view = patient.view()
    assert (view.is_healthy, view.error, view.failed_at, view.checked_at) == (True, "refused", 1000.0, 1001.0)


def test_a_failing_probe_does_not_count_before_the_start_period_is_over_or_one_has_succeeded() -> None:
    patient = Patient(7, 0.0)
    assert notes(patient, "a", "a", threshold=1, start_period=10.0, now=9.9) == [Finding.NOTHING_NEW] * 2
    assert patient.view().is_healthy is False
    assert notes(patient, "a", threshold=1, start_period=10.0, now=10.0) == [Finding.LOST]
    other = Patient(7, 0.0)
    assert notes(other, "", "a", threshold=1, start_period=10.0, now=1.0) == [Finding.NOTHING_NEW, Finding.LOST]


def test_who_was_replaced_is_counted_anew_and_has_a_start_period_of_its_own() -> None:
    patient = Patient(None, 0.0)
    notes(patient, "a", "a")
    patient.begin_anew(100.0)
    assert notes(patient, "a", "a", start_period=10.0, now=105.0) == [Finding.NOTHING_NEW] * 2
    assert notes(patient, "a", "a", start_period=10.0, now=111.0) == [Finding.NOTHING_NEW, Finding.STILL_LOST]


def test_another_one_counts_on_from_a_record() -> None:
    patient = Patient(7, 5.0)
    notes(patient, "", "refused", now=6.0)
    other = Patient.resumed(patient.state())
    assert (other.view(), other.state()) == (patient.view(), patient.state())
    assert notes(other, "refused", now=7.0) == notes(patient, "refused", now=7.0) == [Finding.LOST]
    # Told once, whoever has told it.
    assert notes(Patient.resumed(other.state()), "refused", now=8.0) == [Finding.STILL_LOST]
