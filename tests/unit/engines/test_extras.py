import pytest

from tokpipe.engines.extras import require_extra
from tokpipe.foundation.errors import ConfigError


def test_what_is_installed_is_not_refused():
    require_extra("dask", "--engine dask", "json", "os")


@pytest.mark.parametrize(
    ("modules", "said"),
    [(("json", "nosuch"), "needs nosuch, which is"), (("no1", "no2"), "no1 and no2, which are")],
)
def test_what_is_missing_is_named_with_its_extra(modules, said):
    with pytest.raises(ConfigError, match=f"--engine dask .*{said} not installed") as caught:
        require_extra("dask", "--engine dask", *modules)
    assert caught.value.hint == "Install the extra: pip install 'tokpipe[dask]'."
