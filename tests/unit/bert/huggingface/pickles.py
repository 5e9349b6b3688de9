"""Files as ``torch.save`` writes them, put together opcode by opcode."""

import io
import struct
import zipfile

import numpy as np

from tokpipe.bert.huggingface.tensor_file import TensorFile

KINDS = {"f4": "Float", "f2": "Half", "u2": "BFloat16", "f8": "Double", "i8": "Long"}
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
DICT = b"ccollections\nOrderedDict\n)R"
MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
HEAD = MAGIC + b"\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    if 0 <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def sizes(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key, kind, count, view=b""):
    name = f"ctorch\n{kind}Storage\n".encode()
    return b"(" + text("storage") + name + text(key) + text("cpu") + number(count) + view + b"tQ"


def tensor(stored, shape, strides, offset=0, more=b""):
    rest = sizes(shape) + sizes(strides) + b"\x89" + DICT
    return TENSOR + b"(" + stored + number(offset) + rest + more + b"tR"


def strides_of(shape):
    return [int(np.prod(shape[i + 1 :], dtype=int)) for i in range(len(shape))]


def program(tensors, start=b"\x80\x02", view=b""):
    """Write the pickle of a dict whose tensors have a storage each, named by their number."""
    out = start + DICT + b"("
    for i, (name, values) in enumerate(tensors.items()):
        kind = KINDS[values.dtype.str[1:]]
        shape = values.shape
        stored = storage(str(i), kind, values.size, view)
        out += text(name) + tensor(stored, shape, strides_of(shape))
    return out + b"u}" + text("_metadata") + b"}sb."


def archive(pickle, storages=(), more=(), compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        file.writestr("archive/data.pkl", pickle)
        for key, data in enumerate(storages):
            file.writestr(f"archive/data/{key}", data)
        for name, data in more:
            file.writestr(name, data)
    return out.getvalue()


def stream(pickle, storages=(), keys=None):
    """`storages`: values of each, and their bytes."""
    keys = map(str, range(len(storages))) if keys is None else keys
    listed = b"\x80\x02](" + b"".join(map(text, keys)) + b"e."
    return HEAD + pickle + listed + b"".join(struct.pack("<Q", n) + d for n, d in storages)


def saved(tensors, is_archive=True):
    """Return the bytes of a file with some arrays; uint16 stands for bfloat16."""
    arrays = list(tensors.values())
    if is_archive:
        return archive(program(tensors), [values.tobytes() for values in arrays])
    contents = [(values.size, values.tobytes()) for values in arrays]
    return stream(program(tensors, view=b"N"), contents)


def converted(folder, is_archive=True):
    """Put a pytorch_model.bin in the place of the safetensors file of a folder, or of several."""
    for path in sorted(folder.glob("*.safetensors")):
        with TensorFile(path) as file:
            tensors = {name: np.empty(one.shape, np.float32) for name, one in file.entries.items()}
            for name, out in tensors.items():
                file.read(name, out)
        name = path.name.replace("model", "pytorch_model").replace(".safetensors", ".bin")
        path.with_name(name).write_bytes(saved(tensors, is_archive))
        path.unlink()
    for path in folder.glob("*.index.json"):
        content = path.read_text().replace("model-", "pytorch_model-")
        new = path.with_name("pytorch_model.bin.index.json")
        new.write_text(content.replace(".safetensors", ".bin"))
        path.unlink()
