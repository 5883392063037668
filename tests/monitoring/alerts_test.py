#!/usr/bin/env python3
"""What fires each alert of chart/files/alerts.yaml, and what just does not: each case is a world of metrics, and all alerts that fire
in it are named. promtool evaluates the rules."""
import json
import pathlib
import re
import tempfile
import unittest

from promtool import ALERTS, TOP, promtool

HOUR, DAY, GIB = 3600, 86400, 1 << 30
STEP = HOUR // 2  # between two samples
LOOK = HOUR  # between two looks of Prometheus
NOW = 9 * DAY // 2  # of every case; the world began at 0


def series(name, **labels):
    """A series as Prometheus writes it; cluster and host are those of all of them."""
    labels = {"cluster": "prod-east", "instance": "master-0:9100", **labels}
    return f"etcd_snapshot_{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"


def newest(place, **labels):
    return series("place_newest_proven_timestamp_seconds", place=place, **labels)


def ok(place):
    return series("place_ok", place=place)


def free(place):
    return series("place_free_bytes", place=place)


ATTEMPT = series("last_attempt_timestamp_seconds")
SUCCESS = series("last_success_timestamp_seconds")
EXIT = series("last_exit_code")
SNAPSHOT = series("snapshot_bytes")
RESOURCES = series("resources_bytes")
DAMAGED = series("reproof_damaged_sets", place="nas")
READ_AGAIN = series("reproof_timestamp_seconds", place="nas")
CERTIFICATE = series("certificate_earliest_end_timestamp_seconds")
PRUNE = series("stage_duration_seconds", stage="prune")

# The last run, two hours ago, was a good one; there are a local directory and a NAS.
SOUND = {
    ATTEMPT: NOW - 2 * HOUR, SUCCESS: NOW - 2 * HOUR, EXIT: 0, PRUNE: 0.01,
    newest("local"): NOW - 2 * HOUR, newest("nas"): NOW - 2 * HOUR, ok("local"): 1, ok("nas"): 1,
    SNAPSHOT: GIB, RESOURCES: GIB // 4, free("local"): 100 * GIB, free("nas"): 100 * GIB, CERTIFICATE: NOW + 90 * DAY,
    DAMAGED: 0, READ_AGAIN: NOW - DAY,
}


def until(age, value):
    """Samples of a series that ended `age` seconds before NOW."""
    return f"{value}x{(NOW - age) // STEP} _x{age // STEP}"


def since(age, before, after):
    """Samples of a series that changed `age` seconds before NOW."""
    return f"{before}x{(NOW - age) // STEP} {after}x{age // STEP}"


def aged(age):
    """All places hold nothing newer, and no run was good since."""
    return {SUCCESS: NOW - age, newest("local"): NOW - age, newest("nas"): NOW - age}


def vanished(ago):
    """The file went away, with what it said then."""
    times = {name: NOW - ago - 2 * HOUR for name in (ATTEMPT, SUCCESS, newest("local"), newest("nas"))}
    return {name: until(ago, value) for name, value in {**SOUND, **times}.items()}


def failed(status, ago):
    """Runs fail before they look at any place: what was known of places goes away."""
    gone = {name: text for name, text in vanished(ago).items() if "newest" in name or "free" in name or name == PRUNE}
    return {ATTEMPT: NOW - 2 * HOUR, SUCCESS: NOW - ago - 2 * HOUR, EXIT: since(ago, 0, status), ok("local"): since(ago, 1, 0),
            ok("nas"): since(ago, 1, 0), **gone}


def at_another_node(attempt, **values):
    """The file of a node that made its last snapshot at `attempt` and fell silent; it is scraped ever since."""
    def there(name, **labels):
        return series(name, instance="master-1:9100", **labels)
    return {
        there("last_attempt_timestamp_seconds"): attempt, there("last_exit_code"): values.get("exit", 3),
        there("place_ok", place="local"): 0, there("place_ok", place="nas"): 0, there("snapshot_bytes"): GIB,
        there("place_free_bytes", place="local"): 3 * GIB, there("certificate_earliest_end_timestamp_seconds"): NOW + DAY}


NOTHING = {name: None for name in SOUND}
# Name: what differs from SOUND (None: there is no such series), and the alerts that fire.
CASES = {
    "all is well": ({}, []),
    "two clusters, one of them never backed up well": (
        {series("last_attempt_timestamp_seconds", cluster="new"): NOW - HOUR, series("last_exit_code", cluster="new"): 0,
         series("stage_duration_seconds", cluster="new", stage="prune"): 1}, ["EtcdBackupTooOld"]),
    # EtcdBackupTooOld
    "newest sets just below two days": (aged(2 * DAY - HOUR), []),
    "newest sets beyond two days": (aged(2 * DAY + HOUR), ["EtcdBackupTooOld"]),
    "only the local set is old": ({newest("local"): NOW - 3 * DAY}, []),
    "only the set at the NAS is young, and no run was good": (
        {SUCCESS: NOW - 3 * DAY, newest("local"): NOW - 3 * DAY, EXIT: 6}, ["EtcdBackupRetentionStopped"]),
    "no run was good for days, but sets are proven": (
        {SUCCESS: NOW - 4 * DAY, EXIT: 5, ok("nas"): 0, newest("nas"): NOW - 4 * DAY}, ["EtcdBackupDestinationFailing"]),
    "another master has a young set": ({**aged(3 * DAY), newest("local", instance="master-1:9100"): NOW - HOUR}, []),
    "another cluster has a young set": ({**aged(3 * DAY), newest("local", cluster="prod-west"): NOW - HOUR}, ["EtcdBackupTooOld"]),
    "sets dated in the future prove nothing": (
        {SUCCESS: NOW - 3 * DAY, newest("local"): NOW + 2 * DAY, newest("nas"): NOW + 2 * DAY}, ["EtcdBackupTooOld"]),
    "a clock some minutes ahead": ({SUCCESS: NOW + HOUR // 2, newest("local"): NOW + HOUR // 2, newest("nas"): NOW - 3 * DAY}, []),
    "a first run that failed": (
        {**NOTHING, ATTEMPT: NOW - 2 * HOUR, EXIT: 3, ok("local"): 0}, ["EtcdBackupTooOld", "EtcdBackupFailing", "EtcdBackupRetentionStopped"]),
    "a run failed early, the set before it is young": (failed(3, 30 * 60), []),
    "runs fail early for a day": (failed(3, DAY), ["EtcdBackupFailing"]),
    "runs fail early for two days": (failed(3, 2 * DAY), ["EtcdBackupTooOld", "EtcdBackupFailing"]),
    # EtcdBackupMissing
    "the metrics file went away an hour ago": (vanished(HOUR // 2), []),
    "the metrics file went away two hours ago": (vanished(2 * HOUR), ["EtcdBackupMissing"]),
    "the metrics file went away three days ago": (vanished(3 * DAY), ["EtcdBackupMissing", "EtcdBackupTooOld"]),
    "there was never a metrics file": (NOTHING, ["EtcdBackupMissing"]),
    # EtcdBackupFailing
    **{f"the last run ended with {status}": ({EXIT: since(2 * HOUR, 0, status)}, ["EtcdBackupFailing"]) for status in (1, 2, 3, 4, 8)},
    "a run failed half an hour ago": ({EXIT: since(HOUR // 2, 0, 3)}, []),
    "a run failed and the next one did not": ({EXIT: since(HOUR, 3, 0)}, []),
    # A node that is no snapshot node any more
    **{f"another node made the last runs since one ended with {status}": (at_another_node(NOW - 3 * DAY, exit=status), [])
       for status in (3, 5, 6)},
    "another node makes the runs now, and its first one failed": (
        at_another_node(NOW - HOUR),
        ["EtcdBackupFailing", "EtcdBackupCertificateEndsSoon", "EtcdBackupSpaceLow", "EtcdBackupRetentionStopped"]),
    "each master makes its own, and one whose runs come first fails": (
        at_another_node(NOW - 3 * HOUR),
        ["EtcdBackupFailing", "EtcdBackupCertificateEndsSoon", "EtcdBackupSpaceLow", "EtcdBackupRetentionStopped"]),
    "a node whose clock ran ahead is not the only one that counts": (
        {EXIT: since(2 * HOUR, 0, 3), series("last_attempt_timestamp_seconds", instance="master-1:9100"): NOW + 30 * DAY,
         series("stage_duration_seconds", instance="master-1:9100", stage="prune"): 1}, ["EtcdBackupFailing"]),
    "another cluster makes runs later": ({EXIT: since(2 * HOUR, 0, 3), series("last_attempt_timestamp_seconds", cluster="west"): NOW - HOUR,
                                          series("stage_duration_seconds", cluster="west", stage="prune"): 1,
                                          newest("local", cluster="west"): NOW - HOUR}, ["EtcdBackupFailing"]),
    # EtcdBackupDestinationFailing
    "the NAS failed in the last run": ({EXIT: since(2 * HOUR, 0, 5), ok("nas"): since(2 * HOUR, 1, 0)}, ["EtcdBackupDestinationFailing"]),
    "the NAS failed half an hour ago": ({EXIT: since(HOUR // 2, 0, 5), ok("nas"): since(HOUR // 2, 1, 0)}, []),
    "a run that reached no place blames none": (failed(3, 3 * HOUR), ["EtcdBackupFailing"]),
    # EtcdBackupCertificateEndsSoon
    "a certificate ends in 15 days": ({CERTIFICATE: NOW + 15 * DAY}, []),
    "a certificate ends in 13 days": ({CERTIFICATE: NOW + 13 * DAY}, ["EtcdBackupCertificateEndsSoon"]),
    "a certificate has ended": ({CERTIFICATE: NOW - DAY}, ["EtcdBackupCertificateEndsSoon"]),
    # EtcdBackupSpaceLow: two sets are 2.5 GiB
    "room for just two sets at the NAS": ({free("nas"): 5 * GIB // 2}, []),
    "room for less than two sets at the NAS": ({free("nas"): 5 * GIB // 2 - 1}, ["EtcdBackupSpaceLow"]),
    "room for just two sets and the reserve in the directory": ({free("local"): 9 * GIB // 2}, []),
    "room for two sets but no reserve in the directory": ({free("local"): 4 * GIB}, ["EtcdBackupSpaceLow"]),
    "without host files two sets are smaller": ({RESOURCES: None, free("nas"): 2 * GIB}, []),
    "without host files there is a limit too": ({RESOURCES: None, free("nas"): 2 * GIB - 1}, ["EtcdBackupSpaceLow"]),
    "a place that tells no free space": ({free("nas"): None}, []),
    # EtcdBackupRetentionStopped
    "sets could not be removed": ({EXIT: since(2 * HOUR, 0, 6)}, ["EtcdBackupRetentionStopped"]),
    "sets could not be removed, and the NAS failed": (
        {EXIT: since(2 * HOUR, 0, 5), ok("local"): since(2 * HOUR, 1, 0), ok("nas"): since(2 * HOUR, 1, 0)},
        ["EtcdBackupRetentionStopped", "EtcdBackupDestinationFailing"]),
    "no run removed anything for almost four days": ({PRUNE: until(4 * DAY - 2 * HOUR, 0.01)}, []),
    "no run removed anything for more than four days": ({PRUNE: until(4 * DAY + 2 * HOUR, 0.01)}, ["EtcdBackupRetentionStopped"]),
    # EtcdBackupCopyDamaged
    "a stored set is damaged": ({DAMAGED: 1}, ["EtcdBackupCopyDamaged"]),
    "a stored set was damaged, and others were read since": ({DAMAGED: since(2 * DAY, 1, 0)}, ["EtcdBackupCopyDamaged"]),
    # EtcdBackupNotReadAgain
    "stored sets were read again two weeks ago": ({READ_AGAIN: NOW - 14 * DAY}, []),
    "stored sets were read again sixteen days ago": ({READ_AGAIN: NOW - 16 * DAY}, ["EtcdBackupNotReadAgain"]),
    "the local directory of one master is not read again": (
        {series("reproof_timestamp_seconds", place="local"): NOW - 16 * DAY,
         series("reproof_timestamp_seconds", place="local", instance="m"): NOW - DAY}, ["EtcdBackupNotReadAgain"]),
    "nor is that of a node that retired": (
        {series("reproof_timestamp_seconds", place="local", instance="m"): NOW - 16 * DAY,
         series("last_attempt_timestamp_seconds", instance="m"): NOW - 16 * DAY,
         series("stage_duration_seconds", instance="m", stage="prune"): 1}, []),
    "another node read them again": ({READ_AGAIN: NOW - 16 * DAY, series("reproof_timestamp_seconds", place="nas", instance="m"): NOW - DAY}, []),
    "stored sets were never read again": ({DAMAGED: None, READ_AGAIN: None}, []),
}


def test_of(name, changes, firing):
    """A case in promtool's words. ALERTS is the series that Prometheus keeps of its alerts."""
    world = {key: value for key, value in {**SOUND, **changes}.items() if value is not None}
    values = {key: value if isinstance(value, str) else f"{value}x{NOW // STEP}" for key, value in world.items()}
    return {
        "name": name, "interval": f"{STEP}s",
        "input_series": [{"series": key, "values": value} for key, value in values.items()],
        "promql_expr_test": [{"eval_time": f"{NOW}s", "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                              "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in firing]}],
    }


class Alerts(unittest.TestCase):
    def promtool_test(self, cases):
        tests = [test_of(name, *case) for name, case in cases.items()]
        with tempfile.TemporaryDirectory() as top:
            file = pathlib.Path(top, "tests.yaml")  # JSON is YAML too
            file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": f"{LOOK}s", "tests": tests}))
            return promtool("test", "rules", str(file))

    def test_pass_promtools_check(self):
        status, text = promtool("check", "rules", "--lint-fatal", str(ALERTS))
        self.assertEqual(status, 0, text)

    def test_fire_when_they_should_and_only_then(self):
        status, text = self.promtool_test(CASES)
        self.assertEqual(status, 0, text)

    def test_that_expects_the_wrong_alerts_is_found(self):
        for wrong in (({}, ["EtcdBackupMissing"]), (NOTHING, []), ({EXIT: 3}, ["EtcdBackupDestinationFailing"])):
            self.assertNotEqual(self.promtool_test({"wrong": wrong})[0], 0, wrong)

    def test_each_have_a_case_that_fires_them_and_a_row_in_the_docs(self):
        names = re.findall(r"^  - alert: (\w+)$", ALERTS.read_text(), re.MULTILINE)
        self.assertEqual(len(names), 9)
        self.assertEqual(set(names), {alert for _, firing in CASES.values() for alert in firing})
        documented = (TOP / "docs/metrics.md").read_text()
        self.assertEqual(names, re.findall(r"^\| `(Etcd\w+)` \|", documented, re.MULTILINE))


if __name__ == "__main__":
    unittest.main()
