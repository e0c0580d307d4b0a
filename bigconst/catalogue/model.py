"""The facts about a machine that can be hired, and about a network volume that can be hired beside it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Instance:
    """A machine in a region; an unknown fact is None or an empty text."""

    provider: str
    """aws, gcp, azure, oci, or own for a machine of machines.toml"""
    region: str
    name: str
    vcpus: int | None
    smt: int | None
    """vcpus per core"""
    cpu: str
    clock_ghz: float | None
    vector_bits: int | None
    memory_bytes: int | None
    disk_kind: str
    """hdd, ssd, or network if it has no disks of its own"""
    disk_bytes: int | None
    """size of all local disks together; 0 for network"""
    read_bytes_per_s: float | None
    """speed of all local disks together; for network, the limit of the instance for its volumes"""
    write_bytes_per_s: float | None
    """speed of writing, otherwise like read_bytes_per_s"""
    network_bits_per_s: float | None
    usd_per_hour: float | None
    """price on demand"""
    price_date: str
    """date of that price as given: a day, a year, or empty"""
    spot_usd: tuple[float, float] | None
    """lowest and highest spot price of the region, USD an hour"""
    source: str
    notes: tuple[str, ...]
    """remarks that must be shown together with these facts"""

    @property
    def cores(self) -> int | None:
        """Number of physical cores, None unless both vcpus and vcpus per core are known."""
        return self.vcpus // self.smt if self.vcpus and self.smt else None


@dataclass(frozen=True)
class NetworkVolume:
    """A kind of block volume on the network; an unknown fact is None.  GB and MB are as its provider counts them."""

    provider: str
    region: str
    name: str
    usd_per_gb_month: float | None
    usd_per_iops_month: float | None
    """price of each operation a second above free_iops"""
    free_iops: float | None
    usd_per_mb_s_month: float | None
    """price of each MB/s above free_mb_s"""
    free_mb_s: float | None
    mb_s_max: float | None
    """largest speed of one volume"""
    gb_max: float | None
    """largest size of one volume"""
    price_date: str
    source: str
