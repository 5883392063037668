#!/usr/bin/env python3
"""Each query of chart/files/dashboard.json is run on what the agent writes: the metrics file of a real run. ETCD_SNAPSHOT names the
program. A query that names a metric or a label that is not written finds nothing, and fails."""
import json
import pathlib
import re
import tempfile
import unittest

from promtool import ALERTS, DASHBOARD, promtool
from written import metrics_of_a_run, series_of

HOUR = 3600


def queries(dashboard):
    """Of all panels: (title of the panel, expression, text of the legend)."""
    return [(panel["title"], target["expr"], target.get("legendFormat", "")) for panel in dashboard["panels"] for target in panel["targets"]]


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dashboard = json.loads(DASHBOARD.read_text())
        cls.written = series_of(metrics_of_a_run())
        cls.labels = {}
        for name, labels, _ in cls.written:
            cls.labels.setdefault(name, {"instance"}).update(labels)

    def run_queries(self, expressions):
        """promtool's words on expressions, each of which has to find something. Prometheus adds the label instance. A number that
        happens to be 0 is made 1, since some panels show what is not 0."""
        series = []
        for name, labels, value in self.written:
            labels = ",".join(f"{key}={json.dumps(text)}" for key, text in {**labels, "instance": "master-0:9100"}.items())
            series.append({"series": f"{name}{{{labels}}}", "values": f"{value or 1:f}x12"})
        tests = [{"name": title, "interval": "5m", "input_series": series, "promql_expr_test": [
            {"expr": f"group({expression})", "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 1}]}]}
            for title, expression in expressions]
        with tempfile.TemporaryDirectory() as top:
            file = pathlib.Path(top, "tests.yaml")
            file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1h", "tests": tests}))
            return promtool("test", "rules", str(file))

    def test_finds_something_with_each_query(self):
        found = [(title, expression.replace("$cluster", "prod-.*")) for title, expression, _ in queries(self.dashboard)]
        self.assertGreaterEqual(len(found), 15)
        status, text = self.run_queries(found)
        self.assertEqual(status, 0, text)

    def test_finds_nothing_with_a_metric_or_label_that_is_not_written(self):
        for wrong in ("etcd_snapshot_place_sets_count", 'etcd_snapshot_place_ok{destination="local"}', 'etcd_snapshot_place_ok{place="nas"}'):
            self.assertNotEqual(self.run_queries([("wrong", wrong)])[0], 0, wrong)

    def test_names_only_labels_in_legends_that_the_metric_has(self):
        for title, expression, legend in queries(self.dashboard):
            names = re.findall(r"etcd_snapshot_\w+", expression)
            self.assertTrue(names, title)
            for label in re.findall(r"\{\{(\w+)\}\}", legend):
                self.assertIn(label, self.labels[names[0]], title)
                by = re.search(r"by \(([\w, ]+)\)", expression)
                self.assertTrue(not by or label in by[1].split(", "), title)

    def test_shows_every_metric_but_the_time_of_the_last_attempt(self):
        shown = set(re.findall(r"etcd_snapshot_\w+", json.dumps(self.dashboard["panels"])))
        self.assertEqual(set(self.labels) - shown, {"etcd_snapshot_last_attempt_timestamp_seconds"})

    def test_asks_for_clusters_by_a_metric_that_is_written(self):
        lists = {each["name"]: each for each in self.dashboard["templating"]["list"]}
        self.assertIn(re.fullmatch(r"label_values\((\w+), cluster\)", lists["cluster"]["query"])[1], self.labels)

    def test_and_alerts_name_only_metrics_that_are_written(self):
        named = set(re.findall(r"etcd_snapshot_\w+", ALERTS.read_text() + DASHBOARD.read_text()))
        self.assertEqual(named - set(self.labels), set())

    def test_panels_have_numbers_of_their_own_and_lie_beside_each_other(self):
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        cells = [(x, y) for panel in panels for at in [panel["gridPos"]] for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])]
        self.assertEqual(len(set(cells)), len(cells))
        self.assertLess(max(x for x, _ in cells), 24)


if __name__ == "__main__":
    unittest.main()
