"""Our `moq` publishes to and receives from the reference implementation's server.

MOQ_PROGRAM is `moq`.
"""

import asyncio
import contextlib
import os
import pathlib
import tempfile
import unittest

import media
import moq
import processes

SECONDS = 4
VERSIONS = ("moq-lite-01", "moq-lite-02", "moq-lite-03", "moq-lite-04", "moq-lite-05")


async def serve(server: moq.Server) -> None:
    """Accepts every session; holding one keeps it alive."""
    sessions = []
    async for request in server:
        sessions.append(await request.accept())


class ThroughTheirServer(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.stack = contextlib.AsyncExitStack()
        self.addAsyncCleanup(self.stack.aclose)
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="moq-")))
        self.source = media.make(self.folder / "source.mp4", SECONDS)
        server = await self.stack.enter_async_context(moq.Server("[::]:0", tls_generate=["localhost"]))
        self.url = f"moqt://localhost:{server.local_addr.rsplit(':', 1)[1]}/"
        serving = asyncio.create_task(serve(server))
        self.stack.callback(serving.cancel)

    def moq(self, version: str, *arguments: str, **options) -> processes.Process:
        program = processes.Process(
            [os.environ["MOQ_PROGRAM"], "--client-connect", self.url, "--client-tls-disable-verify",
             "--client-version", version, "--broadcast", f"live/{version}", "--log-level", "info", *arguments], **options)
        self.stack.callback(program.kill)
        return program

    async def test_media_on_every_version(self):
        running = []
        for version in VERSIONS:
            file = self.folder / f"{version}.mp4"
            viewer = self.moq(version, "export", "fmp4", stdout=file)
            await asyncio.to_thread(viewer.errors.expect, "connected: ")
            publisher = self.moq(version, "import", "--realtime", "--audio-group", "1", str(self.source))
            running.append((version, file, viewer, publisher))
        for version, file, viewer, publisher in running:
            with self.subTest(version):
                self.assertEqual(await asyncio.to_thread(publisher.wait), 0, publisher.text())
                status = await asyncio.to_thread(viewer.wait)
                # When a publisher leaves, their server refuses the viewers of older versions, after all was sent.
                if version == "moq-lite-05":
                    self.assertEqual(status, 0, viewer.text())
                part = media.compare(self.source, file)
                self.assertEqual(part.video, (0, SECONDS * media.FRAME_RATE))


if __name__ == "__main__":
    unittest.main()
