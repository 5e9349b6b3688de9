"""B6: what is run as code is read only from where nobody else can have put it."""

import os
import stat

import pytest

from tokpipe.foundation.private_folders import distrust, make_private_folder

NOBODY = 12345  # the id of another user
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives things away")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def own(tmp_path):
    """A private folder two levels below a temporary one."""
    assert make_private_folder(tmp_path / "cache" / "kernels") == ""
    return tmp_path / "cache" / "kernels"


def test_what_is_made_is_for_the_user_alone(tmp_path):
    umask = os.umask(0)
    try:
        assert make_private_folder(tmp_path / "a" / "b" / "c") == ""
    finally:
        os.umask(umask)
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_an_own_folder_that_others_may_read_is_closed(own):
    own.chmod(0o755)
    assert make_private_folder(own) == ""
    assert mode(own) == 0o700


@pytest.mark.parametrize("bits", [0o777, 0o770, 0o702, 0o720, 0o1777])
def test_an_own_folder_that_others_may_write_is_refused(own, bits):
    own.chmod(bits)
    assert make_private_folder(own) == f"others may write in {own}"
    assert mode(own) == bits & 0o777 | bits & 0o1000


@pytest.mark.parametrize("bits", [0o777, 0o707, 0o703])
def test_a_folder_above_that_others_may_write_is_refused(own, bits):
    own.parent.chmod(bits)
    assert make_private_folder(own) == f"others may write in {own.parent}, above it"
    own.parent.chmod(0o1777)  # as /tmp is: nobody exchanges what is not his own
    assert make_private_folder(own) == ""


@as_root
def test_a_folder_above_that_a_group_may_write_is_refused(own):
    own.parent.chmod(0o770)
    os.chown(own.parent, 0, NOBODY)
    assert "others may write" in make_private_folder(own)
    os.chown(own.parent, 0, 0)
    assert make_private_folder(own) == ""


@as_root
def test_what_belongs_to_another_user_is_refused(own):
    os.chown(own, NOBODY, NOBODY)
    assert make_private_folder(own) == f"{own} belongs to another user"
    os.chown(own, 0, 0)
    os.chown(own.parent, NOBODY, NOBODY)
    assert make_private_folder(own) == f"{own.parent}, above it, belongs to another user"


def test_links_are_followed_and_what_they_lead_to_is_asked(own, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("cache")
    assert make_private_folder(link / "kernels") == ""
    own.chmod(0o777)
    assert make_private_folder(link / "kernels") == f"others may write in {own}"
    own.chmod(0o700)
    (tmp_path / "open").mkdir(mode=0o700)
    (tmp_path / "open" / "link").symlink_to(own)
    (tmp_path / "open").chmod(0o777)  # so anybody may exchange the link in it
    assert "others may write" in distrust(tmp_path / "open" / "link")
    (tmp_path / "over").symlink_to(tmp_path / "open" / "link")
    assert "others may write" in distrust(tmp_path / "over")


@as_root
def test_links_of_others_are_refused(own, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("cache")
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    assert make_private_folder(link / "kernels") == f"{link} is a link that another user made"


def test_a_file_in_the_way_is_an_error_of_the_system(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        make_private_folder(tmp_path / "file" / "cache")
