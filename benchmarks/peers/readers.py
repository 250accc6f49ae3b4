"""Readers: ours against NumPy's and pandas' for text, pyOpenMS for mzML, and the few plain lines that read a flex folder."""

import atexit
import base64
import functools
import gzip
import importlib
import pathlib
import re
import shutil
import tempfile
import zlib

import numpy as np

from benchmarks.peers.case import Case, Peer
from spectra import bruker_axis, bruker_calibration, read_cohort, read_spectrum, write_bruker, write_csv

N_POINTS = 42_388
N_FILES = 24


@functools.cache
def folder():
    """One profile of 42,388 points in every format, and a manifest of 24 text files."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="readers"))
    atexit.register(shutil.rmtree, root)
    mz = np.linspace(1000, 10000, N_POINTS) ** 2 / 10000
    time = 1000 + 500 * np.sqrt(mz) - 0.02 * mz
    ml1, ml2, ml3 = bruker_calibration(time, mz)
    constants = {"ml1": ml1, "ml2": ml2, "ml3": ml3, "delay": time[0], "dwell": time[1] - time[0]}
    mz = bruker_axis(N_POINTS, **constants)
    counts = np.random.default_rng(0).poisson(3000 * np.exp(-mz / 3000) + 20)
    write_bruker(root / "0_A1", counts, **constants)
    write_csv(root / "one.csv", mz, counts)
    (root / "one.csv.gz").write_bytes(gzip.compress((root / "one.csv").read_bytes()))
    for i in range(N_FILES):
        write_csv(root / f"{i}.csv", mz, counts + i)
    (root / "manifest.csv").write_text("file\n" + "".join(f"{i}.csv\n" for i in range(N_FILES)))
    (root / "one.mzML").write_text(as_mzml(mz, counts))
    return root


TERMS = {
    "MS:1000511": "ms level",
    "MS:1000514": "m/z array",
    "MS:1000515": "intensity array",
    "MS:1000523": "64-bit float",
    "MS:1000574": "zlib compression",
}


def term(accession, value=""):
    return f'<cvParam cvRef="MS" accession="{accession}" name="{TERMS[accession]}" value="{value}"/>'


def as_mzml(mz, counts):
    arrays = ""
    for values, kind in ((mz, "MS:1000514"), (counts, "MS:1000515")):
        text = base64.b64encode(zlib.compress(np.asarray(values, "<f8").tobytes())).decode()
        terms = term("MS:1000523") + term("MS:1000574") + term(kind)
        arrays += f'<binaryDataArray encodedLength="{len(text)}">{terms}<binary>{text}</binary></binaryDataArray>'
    return (
        '<?xml version="1.0"?><mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><run id="r" defaultInstrumentConfigurationRef="i">'
        '<spectrumList count="1" defaultDataProcessingRef="d">'
        f'<spectrum index="0" id="scan=1" defaultArrayLength="{len(mz)}">{term("MS:1000511", 1)}'
        f'<binaryDataArrayList count="2">{arrays}</binaryDataArrayList></spectrum></spectrumList></run></mzML>'
    )


def same(ours, theirs):
    """Both arrays, bit by bit."""
    mz, intensity = theirs
    if len(ours) != len(mz):
        return False, f"{len(ours)} points against {len(mz)}"
    equal = np.array_equal(ours.mz, mz) and np.array_equal(ours.intensity, intensity)
    return equal, "m/z and intensities identical" if equal else f"m/z differ by up to {np.abs(ours.mz - mz).max():.1e}"


def nearly_same(ours, theirs):
    """The plain formula loses a few digits where it subtracts."""
    worst = np.abs(theirs[0] / ours.mz - 1).max()
    return worst < 1e-11 and np.array_equal(ours.intensity, theirs[1]), f"m/z within {worst:.0e}, intensities identical"


def loadtxt(path):
    return Peer(lambda: np.loadtxt(path, delimiter=",", skiprows=1).T, promise=3)


def pandas_text(path):
    pandas = importlib.import_module("pandas")
    return Peer(lambda: pandas.read_csv(path).to_numpy(np.float64).T)


def openms(path):
    pyopenms = importlib.import_module("pyopenms")

    def run():
        experiment = pyopenms.MSExperiment()
        pyopenms.MzMLFile().load(str(path), experiment)
        return experiment[0].get_peaks()

    return Peer(run, promise=1.5)


def plain_flex(path):
    """What a script does: six parameters, the counts, the quadratic formula; nothing is checked."""

    def run():
        text = (path / "acqus").read_text()
        ml1, ml2, ml3, delay, dwell, n = (
            float(re.search(rf"##\${name}= (\S+)", text)[1]) for name in ("ML1", "ML2", "ML3", "DELAY", "DW", "TD")
        )
        counts = np.fromfile(path / "fid", "<i4").astype(float)
        slope = np.sqrt(1e12 / ml1)
        time = delay + dwell * np.arange(int(n))
        return ((-slope + np.sqrt(slope**2 - 4 * ml3 * (ml2 - time))) / (2 * ml3)) ** 2, counts

    return Peer(run)


def write(path, spectrum):
    write_csv(path, spectrum.mz, spectrum.intensity)
    return path


def pandas_write(path, spectrum):
    pandas = importlib.import_module("pandas")

    def run():
        pandas.DataFrame({"mz": spectrum.mz, "intensity": spectrum.intensity.astype(int)}).to_csv(path, index=False)
        return path

    return Peer(run, promise=3)


def same_file(ours, theirs):
    """What is read back, bit by bit."""
    theirs = read_spectrum(theirs)
    return same(read_spectrum(ours), (theirs.mz, theirs.intensity))


def one_by_one(root):
    """The same files with NumPy in a loop."""
    paths = [root / f"{i}.csv" for i in range(N_FILES)]
    return Peer(lambda: [np.loadtxt(path, delimiter=",", skiprows=1).T for path in paths], promise=3)


def same_cohort(ours, theirs):
    equal = all(same(spectrum, arrays)[0] for spectrum, arrays in zip(ours, theirs, strict=True))
    return equal, f"all of {len(theirs)} spectra identical"


def cases(threads):
    root = folder()
    partial = functools.partial
    if threads == 1:
        for name in ("one.csv", "one.csv.gz"):
            path = root / name
            peers = {"numpy.loadtxt": partial(loadtxt, path), "pandas.read_csv": partial(pandas_text, path)}
            yield Case(f"read {name}, 42,388 points", partial(read_spectrum, path), peers, same, per=N_POINTS)
        path = root / "one.mzML"
        yield Case("read mzML (zlib), 42,388 points", partial(read_spectrum, path), {"pyopenms": partial(openms, path)}, same, per=N_POINTS)
        path = root / "0_A1"
        peers = {"plain script": partial(plain_flex, path)}
        yield Case("read flex fid, 42,388 points", partial(read_spectrum, path), peers, nearly_same, per=N_POINTS)
        spectrum = read_spectrum(root / "one.csv")
        peers = {"pandas.to_csv": partial(pandas_write, root / "theirs.csv", spectrum)}
        yield Case("write CSV, 42,388 points", partial(write, root / "ours.csv", spectrum), peers, same_file, per=N_POINTS)
    ours = partial(read_cohort, root / "manifest.csv", n_jobs=threads)
    yield Case(f"read a cohort of {N_FILES} text files", ours, {"numpy.loadtxt": partial(one_by_one, root)}, same_cohort, threads, pairs=5)
