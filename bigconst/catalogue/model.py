"""What is known of a machine that can be hired, and of a volume that can be hired beside it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Instance:
    """A machine in a region; what is not known is None, or an empty text."""

    provider: str
    """aws, gcp, azure, oci, or own for a machine of machines.toml"""
    region: str
    name: str
    vcpus: int | None
    smt: int | None
    """vcpus of a core"""
    cpu: str
    clock_ghz: float | None
    vector_bits: int | None
    memory_bytes: int | None
    disk_kind: str
    """hdd, ssd, or network where it has no disks of its own"""
    disk_bytes: int | None
    """of all local disks; 0 for network"""
    read_bytes_per_s: float | None
    """of all local disks together; for network, how much the instance can take from its volumes"""
    write_bytes_per_s: float | None
    network_bits_per_s: float | None
    usd_per_hour: float | None
    """on demand"""
    price_date: str
    """as given: a day, a year, or nothing"""
    spot_usd: tuple[float, float] | None
    """lowest and highest of the region, an hour"""
    source: str
    notes: tuple[str, ...]
    """what whoever shows these facts must say with them"""

    @property
    def cores(self) -> int | None:
        """Physical cores, where vcpus and threads of a core are both known."""
        return self.vcpus // self.smt if self.vcpus and self.smt else None


@dataclass(frozen=True)
class NetworkVolume:
    """A kind of block volume on the network; what is not known is None.  GB and MB are as its provider counts them."""

    provider: str
    region: str
    name: str
    usd_per_gb_month: float | None
    usd_per_iops_month: float | None
    """for each above free_iops"""
    free_iops: float | None
    usd_per_mb_s_month: float | None
    """for each above free_mb_s"""
    free_mb_s: float | None
    mb_s_max: float | None
    """of one volume"""
    gb_max: float | None
    """of one volume"""
    price_date: str
    source: str
