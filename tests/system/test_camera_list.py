"""The camera of a box asks the box's own list: what is assembled, looked at from inside."""

from collections.abc import Callable
from itertools import islice

from fakes.burst import pack_codes
from fakes.county import County
from yaoma.cli.assemble import assemble
from yaoma.config.load import read
from yaoma.service.watch import Watch
from yaoma.shell.control import ControlServer
from yaoma_drivers.camera import CameraDriver
from yaoma_drivers.camera_folder import CameraFolder
from yaoma_link.notify import Notify


def test_box_when_it_is_put_together_then_its_camera_knows_whom_to_ask(new_county: Callable[..., County]) -> None:
    """A pack of the list is known, one of another product is not, and of a product's own code nothing is said."""
    codes = list(islice(pack_codes(), 10))
    county = new_county(codes=codes, products={codes[0][:7]: "示例胶囊 Sample capsules"})
    loaded = read(county.add_box().config).loaded
    assert loaded is not None
    loaded.config.state.folder.mkdir()
    box = assemble(loaded, terminal=False, watch=Watch(Notify()))
    (control,) = [one for one in box.others if isinstance(one, ControlServer)]
    control.start()
    try:
        (camera,) = [one.driver for one in box.readers if isinstance(one.driver, CameraDriver)]
        assert isinstance(camera._source, CameraFolder)
        ask = camera._source.is_listed
        assert ask is not None
        other = f"8{(int(codes[0][1:7]) + 1) % 10**6:06d}{codes[0][7:]}"
        assert [ask(text.encode(), "]C0") for text in (codes[0], other, "6901234567892")] == [True, False, None]
    finally:
        box.stop_others[1](20.0)
        box.close()
