"""Croissant metadata: what the files are, for tools that load data sets by it.

Follows version 1.0 of the format (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsidx.exporters.dataset.layout import META, sha256_of, split_files
from rsidx.exporters.filters.licenses import NO_LICENSE
from rsidx.exporters.formats.registry import FORMATS
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.splits.split import SPLITS

FILE = "croissant.json"
_BYTES = "application/octet-stream"
_COLUMNS = {
    "input_ids": "the tokens",
    "attention_mask": "1 for a token, 0 for padding",
    "labels": "the tokens that have loss, -100 elsewhere",
}
_TEXT_COLUMNS = {
    "id": "identifies the row",
    "prompt": "what is asked",
    "completion": "what is answered",
}
_RL_COLUMNS = {
    **_TEXT_COLUMNS,
    "commit": "the commit that made the edit",
    "parent": "its first parent",
    "path": "the file in the parent",
    "start": "the first byte of the file that the answer replaces",
    "end": "the byte behind the last one",
}
_PREFERENCE_COLUMNS = {
    "id": "identifies the row",
    "prompt": "what is asked",
    "chosen": "the better answer",
    "rejected": "the worse answer",
}
_MESSAGE_COLUMNS = {
    "id": "identifies the row",
    "messages": "what a user asks and what the assistant answers",
}
_OBJECTS = {"messages": ("role", "content")}
"""The columns that are lists of objects, with their keys."""
_NUMBERS = frozenset({"start", "end"})
"""The columns of rows of text that are numbers."""
_SPDX = "https://spdx.org/licenses/"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def describe(folder: Path, manifest: dict[str, Any], description: str) -> dict[str, Any]:
    """Return the metadata of an export whose rows are written."""
    ending = manifest["config"]["format"]
    counts = manifest["counts"]["examples"]
    media_type = FORMATS[ending].media_type
    names = [name for name in SPLITS if counts[name]]
    files = [path for name in names for path in _rows_files(folder, name, ending)]
    metas = [path for name in names for path in split_files(folder, name, META)]
    columns = _columns_of(manifest["config"])
    # What is no one file a split is for its own library to read.
    described = names if media_type is not None else []
    shards = [_shards(name, ending, media_type or _BYTES) for name in described]
    is_sharded = bool(manifest.get("shards"))
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{manifest['repository']}-{manifest['config']['kind']}",
        "description": description,
        "version": "1.0.0",
        "license": [_SPDX + name for name in manifest["licenses"] if name != NO_LICENSE]
        or "unknown",
        "keywords": ["code", "rust", "code edits"],
        "distribution": [
            *(_file(folder, path, media_type or _BYTES) for path in files),
            *(_file(folder, path, FORMATS["jsonl"].media_type or _BYTES) for path in metas),
            *(shards if is_sharded else ()),
        ],
        "recordSet": [
            _records(
                name,
                {"fileSet": {"@id": f"{name}-shards"}}
                if is_sharded
                else {"fileObject": {"@id": f"{name}.{ending}"}},
                columns=columns,
            )
            for name in described
        ],
    }


def _rows_files(folder: Path, split: str, ending: str) -> list[Path]:
    """Return the files that a split's rows are in."""
    files = split_files(folder, split, ending)
    if FORMATS[ending].media_type is not None:
        return files
    if files[0].is_dir():
        return sorted(path for file in files for path in file.rglob("*") if path.is_file())
    beside = (path for file in files for path in folder.glob(f"{file.stem}.*"))
    return sorted(path for path in beside if path.suffix != ".jsonl" and path.is_file())


def _shards(split: str, ending: str, media_type: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-shards",
        "name": f"{split}-shards",
        "encodingFormat": media_type,
        "includes": f"{split}-?????.{ending}",
    }


def _file(folder: Path, path: Path, media_type: str) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": media_type,
        "sha256": sha256_of(path),
    }


_COLUMNS_AS_TEXT = {
    "text": _TEXT_COLUMNS,
    "messages": _MESSAGE_COLUMNS,
    "rl": _RL_COLUMNS,
}


def _columns_of(config: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the columns of an export's rows, and what they are."""
    if KINDS[config["kind"]].has_rejected:
        return _PREFERENCE_COLUMNS
    if config["columns"] in _COLUMNS_AS_TEXT:
        return _COLUMNS_AS_TEXT[config["columns"]]
    return _COLUMNS | dict.fromkeys(config["masks"], "1 where labels have loss, 0 elsewhere")


def _records(split: str, source: dict[str, Any], *, columns: Mapping[str, str]) -> dict[str, Any]:
    is_text = "id" in columns
    fields = []
    for column, text in columns.items():
        field = _field(f"{split}/{column}", source, column)
        field |= {"description": text, "repeated": not is_text or column in _OBJECTS}
        if column in _OBJECTS:
            field["subField"] = [
                _field(f"{split}/{column}/{key}", source, column, key) for key in _OBJECTS[column]
            ]
        else:
            is_number = not is_text or column in _NUMBERS
            field["dataType"] = "sc:Integer" if is_number else "sc:Text"
        fields.append(field)
    return {"@type": "cr:RecordSet", "@id": split, "name": split, "field": fields}


def _field(name: str, source: dict[str, Any], column: str, key: str = "") -> dict[str, Any]:
    """Return a field that is a column, or a text under a key of each object in it."""
    source = {**source, "extract": {"column": column}}
    field = {"@type": "cr:Field", "@id": name, "name": name, "source": source}
    if not key:
        return field
    return field | {
        "dataType": "sc:Text",
        "source": {**source, "transform": {"jsonPath": f"$[*].{key}"}},
    }
