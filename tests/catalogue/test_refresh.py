"""Newer lists: read, checked, and put in place whole, or not at all."""

import errno
import http.server
import json
import os
import socket
import threading
from datetime import date, datetime

import pytest
from catalogue_files import instances_csv, record, refreshed, write

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.catalogue import refresh as module
from bigconst.catalogue.instances import load_catalogue
from bigconst.catalogue.refresh import refresh
from bigconst.storage import durable

STAYS = "the catalogue of 2026-08-20 stays in use"
CHANGED, TODAY = "2026-09-01", "2026-10-01"
"""When the sources of these tests were last changed, and when they are read."""


def listed(name="z9.large", **values):
    """An entry of the public list, with the types that its program writes."""
    return {
        "instance_type": name, "family": "Storage optimized", "vCPU": 32, "memory": 244.0, "arch": ["x86_64"],
        "network_performance": "10 Gigabit", "physical_processor": "Intel Xeon E5-2686 v4 (Broadwell)",
        "clock_speed_ghz": "2.3 GHz", "intel_avx512": None, "ebs_baseline_throughput": 875.0, "ECU": 99.0,
        "storage": {"ssd": True, "trim_support": True, "nvme_ssd": True, "devices": 4, "size": 1900, "size_unit": "GB"},
        "pricing": {"us-east-1": {"linux": {"ondemand": "2.496", "reserved": {}, "spot_min": "0.8", "spot_max": "1.1",
                                            "spot_avg": "0.9", "pct_interrupt": "5-10%"},
                                  "ebs": "0", "mswin": {"ondemand": "3.968"}},
                    "us-east-2": {"linux": {"ondemand": "2.5"}}, "sa-east-1": {"linux": {"ondemand": "4.576"}}},
        **values,
    }


def public_list(*entries):
    """Those, and as many others as a list must have at least."""
    return json.dumps([*entries, *(listed(f"other{n}.large") for n in range(module.FEWEST_INSTANCES))])


def contents(home):
    folder = refreshed(home).parent
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr(module, "_today", lambda: date.fromisoformat(TODAY))


@pytest.fixture
def source(tmp_path):
    def write_source(content, name="list", changed=CHANGED):
        path = write(tmp_path / name, content)
        noon_s = datetime.fromisoformat(f"{changed}T12:00+00:00").timestamp()
        os.utime(path, (noon_s, noon_s))
        return path
    return write_source


def refused(home, source, error=UsageError):
    """The message of a refresh that changes nothing."""
    before = contents(home)
    with pytest.raises(error) as caught:
        refresh(source, lambda line: None)
    assert contents(home) == before and "\n" not in str(caught.value)
    assert str(caught.value).endswith(STAYS)
    return str(caught.value)


# --- files in the catalogue's own columns -----------------------------------------------


def test_own_columns(home, source):
    price = {"region": "us-east-1", "usd_per_hour": 9, "price_date": "2026-09-01"}
    path = source(instances_csv(record(type="i4i.32xlarge", **price),
                                record(provider="oci", type="big", region="home")))
    said = refresh(path, pytest.fail)
    assert said == f"2 instances from {path}, prices of 2026-09-01, are now in the catalogue"
    assert set(contents(home)) == {"instances.csv"} and load_catalogue().find("i4i.32xlarge").usd_per_hour == 9
    assert load_catalogue().find("big").provider == "oci" and str(refreshed(home)) in load_catalogue().files

    # The next one takes its place.
    assert refresh(source(instances_csv(record())), pytest.fail).startswith("1 instance from ")
    assert load_catalogue().find("i4i.32xlarge").usd_per_hour == 10.9824
    assert set(contents(home)) == {"instances.csv"}


def test_the_catalogue_itself_can_be_its_source(home):
    before = load_catalogue()
    refresh(before.files[0], pytest.fail)
    assert load_catalogue().instances == before.instances
    assert refreshed(home).read_bytes() == open(before.files[0], "rb").read()


@pytest.mark.parametrize("content, said", [
    (instances_csv(record(), record(type="y9.large", usd_per_hour="abc")),
     "list, line 4: column usd_per_hour: 'abc' is not a number; correct it, "),
    (instances_csv(), "has no instances"), ("", "there is no header"), ("\0", "a NUL byte"), (b"\xff", "not UTF-8"),
    ("<html>", "the columns must be provider,"),
    (instances_csv(record())[:-10], "list, line 3: 8 columns instead of 17"),
    ("{}", "list, line 1: it is not a list of instances"), ("[", "list, line 1: Expecting value"),
    (b"\xef\xbb\xbf[\n\n{]", "list, line 3: "), ("[" * 100_000, "list: what it holds cannot be read"),
    (f"[{'9' * 5000}]", "list: what it holds cannot be read"),
    ("[]", "has prices of 0 instances in eu-north-1, eu-west-1, us-east-1, us-east-2, and"),
    (public_list()[:-5], "list, line 1: "), (json.dumps([listed()]), "prices of 1 instances"),
])
def test_a_damaged_file_leaves_everything_as_it_was(home, source, content, said):
    assert said in refused(home, source(content))
    refresh(source(public_list(), "good"), pytest.fail)
    today = contents(home)
    with pytest.raises(UsageError):
        refresh(source(content), pytest.fail)
    assert contents(home) == today


def test_files_that_cannot_be_read(home, tmp_path):
    assert "cannot read nowhere: No such file" in refused(home, "nowhere", InputOutputError)
    assert "Is a directory" in refused(home, str(tmp_path), InputOutputError)
    assert "null byte" in refused(home, "a\0b", InputOutputError)


def test_a_file_that_is_too_long(home, source, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    assert "is longer than 1000 B" in refused(home, source("#" * 1001), InputOutputError)


# --- the public list --------------------------------------------------------------------


def test_the_public_list(home, source):
    path = source(public_list(listed(), listed("no-price.large", pricing={"sa-east-1": {"linux": {"ondemand": "1"}}})))
    count = module.FEWEST_INSTANCES + 1
    assert refresh(path, pytest.fail) == f"{count} instances from {path}, prices of {CHANGED}, are now in the catalogue"
    catalogue = load_catalogue()
    found = catalogue.find("z9.large@us-east-1")
    assert (found.provider, found.vcpus, found.smt, found.memory_bytes) == ("aws", 32, None, 244 * 2**30)
    assert (found.cpu, found.clock_ghz) == ("Intel Xeon E5-2686 v4 (Broadwell) @ 2.3GHz", 2.3)
    assert (found.vector_bits, found.network_bits_per_s) == (256, 10e9)
    assert (found.disk_kind, found.disk_bytes, found.read_bytes_per_s) == ("ssd", 7600 * 10**9, None)
    assert (found.usd_per_hour, found.price_date, found.spot_usd) == (2.496, CHANGED, (0.8, 1.1))
    assert found.source == "instances.vantage.sh/instances.json of 2026-09-01" and found.notes == ()
    # Regions that the catalogue has, in whatever it says of them.
    assert {i.region for i in catalogue.instances if i.name == "z9.large"} == {"us-east-1", "us-east-2"}
    assert catalogue.find("z9.large@us-east-2").spot_usd is None
    assert "no-price.large" not in {i.name for i in catalogue.instances}


def test_speeds_of_disks_stay_known(home, source):
    refresh(source(public_list(listed("i3.8xlarge"))), pytest.fail)
    found = load_catalogue().find("i3.8xlarge")
    assert (found.price_date, found.usd_per_hour, found.read_bytes_per_s) == (CHANGED, 2.496, 8061e6)
    assert "read speed from the row of 2026-07-20 (us-east-1)" in found.notes
    assert load_catalogue().find("i3.8xlarge@us-east-2").write_bytes_per_s == 3235e6


@pytest.mark.parametrize("values, facts", [
    ({"cores": 16}, {"smt": 2}), ({"cores": 32}, {"smt": 1}), ({"cores": 7}, {"smt": None}),
    ({"vCPU": None}, {"vcpus": None}),
    ({"vCPU": 0}, {"vcpus": None}), ({"memory": 0.5}, {"memory_bytes": 2**29}),
    ({"memory": "N/A"}, {"memory_bytes": None}),
    ({"clock_speed_ghz": None}, {"clock_ghz": None}), ({"clock_speed_ghz": "Up to 3.5 GHz"}, {"clock_ghz": None}),
    ({"clock_speed_ghz": 2.25}, {"clock_ghz": 2.25}), ({"clock_speed_ghz": ""}, {"clock_ghz": None}),
    ({"physical_processor": "", "intel_avx512": True}, {"cpu": "@ 2.3GHz (AVX-512)", "vector_bits": 512}),
    ({"physical_processor": None, "clock_speed_ghz": None}, {"cpu": "", "vector_bits": None}),
    ({"physical_processor": "AMD EPYC 9R14, new", "intel_avx512": False}, {"vector_bits": None}),
    ({"network_performance": "Up to 10 Gigabit"}, {"network_bits_per_s": None}),
    ({"network_performance": "12.5 Gigabit"}, {"network_bits_per_s": 12.5e9}),
    ({"storage": None},
     {"disk_kind": "network", "disk_bytes": 0, "read_bytes_per_s": 875e6, "write_bytes_per_s": 875e6}),
    ({"storage": None, "ebs_baseline_throughput": 0},
     {"disk_kind": "", "disk_bytes": None, "read_bytes_per_s": None}),
    ({"storage": {"ssd": False, "nvme_ssd": True, "devices": 24, "size": 1980}},
     {"disk_kind": "hdd", "disk_bytes": 47520 * 10**9, "write_bytes_per_s": None}),
    ({"storage": {"ssd": True, "devices": 3, "size": 0.1}}, {"disk_kind": "ssd", "disk_bytes": 3 * 10**8}),
    ({"storage": {"ssd": True, "nvme_ssd": False}}, {"disk_kind": "ssd", "disk_bytes": None}),
    ({"storage": {"nvme_ssd": True, "devices": 2, "size": 75}}, {"disk_kind": "ssd", "disk_bytes": 150 * 10**9}),
    ({"storage": {"devices": 2, "size": 75, "size_unit": "MB"}}, {"disk_kind": "", "disk_bytes": None}),
    ({"pricing": {"us-east-1": {"linux": {"ondemand": 1.25, "spot_min": "N/A", "spot_max": "N/A"}}}},
     {"usd_per_hour": 1.25, "spot_usd": None}),
])
def test_what_an_entry_says(home, source, values, facts):
    refresh(source(public_list(listed(**values))), pytest.fail)
    found = load_catalogue().find("z9.large@us-east-1")
    assert {name: getattr(found, name) for name in facts} == facts


def test_optional_fields_may_all_be_missing(home, source):
    pricing = {"us-east-1": {"linux": {"ondemand": "0.5"}}}
    refresh(source(public_list({"instance_type": "bare.metal", "pricing": pricing}, {"instance_type": "none.metal"},
                               listed("free.large", pricing={"us-east-1": {"linux": {"ondemand": "0"}, "ebs": "0"}}))),
            pytest.fail)
    names = {i.name for i in load_catalogue().instances}
    assert "bare.metal" in names and not names & {"none.metal", "free.large"}
    found = load_catalogue().find("bare.metal")
    assert (found.usd_per_hour, found.vcpus, found.memory_bytes, found.disk_kind) == (0.5, None, None, "")


@pytest.mark.parametrize("entry, said", [
    (5, "instance 1: is not an object"), ({}, "instance 1: instance_type: 'None' is not a name"),
    (listed("a b"), "instance 1: instance_type: 'a b' is not a name"),
    (listed("Other0.large"), "there are two of this name"),
    (listed(instance_type=["x"]), "instance_type: \"['x']\" is not a line of text"),
    (listed(vCPU="many"), "instance z9.large: vCPU: 'many' is not a number"),
    (listed(vCPU=1.5), "is not a whole number"),
    (listed(vCPU=True), "vCPU: 'True' is not a number"), (listed(memory=-1), "memory: '-1' is not a number"),
    (listed(memory=float("nan")), "memory: 'nan' is not a number"),
    (listed(memory=1e13), "memory: '10000000000000.0' is"),
    (listed(memory=[1]), "memory: '[1]' is not a number"),
    (listed(clock_speed_ghz=[2]), "clock_speed_ghz: '[2]' is not a"),
    (listed(physical_processor="a\x1bb"), "is not a line of text"),
    (listed(intel_avx512="yes"), "'yes' is not true or"),
    (listed(storage=[]), "storage: '[]' is not an object"),
    (listed(storage={"ssd": 1}), "storage.ssd: '1' is not true"),
    (listed(storage={"devices": "x"}), "storage.devices: 'x' is not a number"),
    (listed(pricing=5), "pricing: '5' is not"),
    (listed(pricing={"us-east-1": "x"}), "pricing.us-east-1: 'x' is not an object"),
    (listed(pricing={"us-east-1": {"linux": {"ondemand": "abc"}}}),
     "instance z9.large: pricing.us-east-1.linux.ondemand: 'abc' is not a number; correct it, "),
    (listed(pricing={"us-east-1": {"linux": {"spot_min": "2", "spot_max": "1"}}}), "spot_max: '1' is not at least"),
])
def test_values_that_cannot_be(home, source, entry, said):
    assert said in refused(home, source(public_list(entry) if entry != 5 else json.dumps([5])))


def test_a_list_from_tomorrow_is_of_today(home, source):
    refresh(source(public_list(), changed="2026-10-02"), pytest.fail)
    assert load_catalogue().find("other0.large").price_date == TODAY


# --- writing ----------------------------------------------------------------------------


def test_a_refreshed_file_that_is_damaged_can_be_replaced(home, source):
    write(refreshed(home), "damage")
    with pytest.raises(UsageError, match="bigconst estimate --refresh"):
        load_catalogue()
    refresh(source(instances_csv(record())), pytest.fail)
    assert load_catalogue().find("z9.large")


@pytest.mark.parametrize("call", ["_write", "_sync", "_rename"])
def test_a_full_disk_leaves_the_old_files(home, source, monkeypatch, call):
    refresh(source(public_list()), pytest.fail)
    before = contents(home)

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, call, fail)
    with pytest.raises(InputOutputError, match=r"cannot write .*\.csv: No space left on device; see that"):
        refresh(source(public_list(listed())), pytest.fail)
    assert contents(home) == before and set(before) == {"instances.csv", "spot.csv"}


def test_a_place_that_cannot_be_made(home, source):
    write(home / "cache", "a file where a directory should be")
    with pytest.raises(InputOutputError):
        refresh(source(instances_csv(record())), pytest.fail)


# --- the network ------------------------------------------------------------------------


@pytest.fixture
def served():
    """Serves one answer to everything: (status, headers, body); gives its address."""
    answer = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def serve(body, status=200, **headers):
        answer[:] = status, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode()
        return f"http://127.0.0.1:{server.server_port}/instances.json"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("headers, day", [
    ({"Last_Modified": "Tue, 01 Sep 2026 10:00:00 GMT"}, "2026-09-01"), ({}, TODAY),
    ({"Last_Modified": "soon"}, TODAY)])
def test_over_the_network(home, served, headers, day):
    address, notes = served(public_list(listed()), **headers), []
    said = refresh(address, notes.append)
    count = module.FEWEST_INSTANCES + 1
    assert said == f"{count} instances from {address}, prices of {day}, are now in the catalogue"
    assert notes == [f"fetching {address}"]
    assert load_catalogue().find("z9.large@us-east-1").price_date == day


def test_own_columns_over_the_network(home, served):
    assert refresh(served(instances_csv(record())), lambda line: None).startswith("1 instance from http://")
    assert load_catalogue().find("z9.large")


def test_answers_that_are_no_list(home, served):
    assert "cannot reach http://127.0.0.1" in refused(home, served("gone", 404), InputOutputError)
    assert "Not Found" in refused(home, served("gone", 404), InputOutputError)
    body = instances_csv(record(source="a long text"))
    address = served(body[:-5], Content_Length=str(len(body)))
    assert f"ended after {len(body) - 5} of {len(body)} bytes" in refused(home, address, InputOutputError)
    assert "it is not a list of instances" in refused(home, served("{}"))


def test_without_network(home):
    with socket.socket() as taken:      # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/instances.json"
        said = refused(home, address, InputOutputError)
    assert said == f"cannot reach {address}: [Errno 111] Connection refused; {STAYS}"


@pytest.mark.parametrize("address", ["http://", "http://[x", "https://a b/", "http://\0/", "http://127.0.0.1:x/"])
def test_addresses_that_are_none(home, address):
    assert "cannot reach " in refused(home, address, InputOutputError)
