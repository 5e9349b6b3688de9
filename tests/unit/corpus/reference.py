"""The reader that is obviously right: whole files, Python strings, one line after the other."""


def read_reference(raw, documents="blank-line"):
    """Return the documents of a plain text file as lists of lines (bytes)."""
    result, after_blank = [], True
    for line in _split(raw.removeprefix(b"\xef\xbb\xbf")):
        line = line.replace(b"\r\n", b"\n")
        begins = documents == "blank-line" and after_blank and line.strip()
        if begins or not result:
            result.append([])
        result[-1].append(line)
        after_blank = not line.strip()
    return result


def _split(raw):
    parts = [part + b"\n" for part in raw.split(b"\n")]
    parts[-1] = parts[-1][:-1]
    return [part for part in parts if part]


def texts_of(batches):
    """Return the texts of batches, in order."""
    return [text for batch in batches for text in batch.texts.iter_bytes()]


def documents_of(batches):
    """Put documents together that go on from batch to batch."""
    result = []
    for batch in batches:
        texts = list(batch.texts.iter_bytes())
        borders = batch.documents.tolist()
        for d in range(len(borders) - 1):
            part = texts[borders[d] : borders[d + 1]]
            assert part, "a document of no text"
            if d == 0 and batch.continues:
                result[-1] += part
            else:
                result.append(part)
    return result
