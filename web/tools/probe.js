/** Looks at a page's <moq-watch> until it plays, as a person would: pictures that
 *  change and are not black, packets of sound, and sound that is not silence. An
 *  expression; called with what is wanted, it resolves to what was seen. */
({ pictures, packets, milliseconds }) =>
  new Promise((resolve) => {
    const watch = document.querySelector("moq-watch");
    const small = new OffscreenCanvas(64, 36).getContext("2d", { willReadFrequently: true });
    const seen = new Set();
    const result = { pictures: 0, black: 0, frames: 0, packets: 0, loudest: 0, width: 0, height: 0, done: false };

    /** How bright the brightest pixel is, 0 to 255, and a sum that tells pictures apart. */
    const look = (canvas) => {
      small.drawImage(canvas, 0, 0, 64, 36);
      const { data } = small.getImageData(0, 0, 64, 36);
      let brightest = 0;
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) {
        brightest = Math.max(brightest, data[i], data[i + 1], data[i + 2]);
        sum = (Math.imul(sum, 31) + data[i] + (data[i + 1] << 8) + (data[i + 2] << 16)) | 0;
      }
      return { brightest, sum };
    };

    let heard;
    const listen = () => {
      const root = watch.audio.out.root.peek();
      if (!root) return 0;
      if (heard?.root !== root) {
        const analyser = new AnalyserNode(root.context, { fftSize: 2048 });
        root.connect(analyser);
        heard = { root, analyser, samples: new Float32Array(analyser.fftSize) };
      }
      heard.analyser.getFloatTimeDomainData(heard.samples);
      return heard.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    };

    let bytes = watch.audio.out.stats.peek()?.bytesReceived ?? 0;
    const dispose = watch.audio.out.stats.subscribe((stats) => {
      if ((stats?.bytesReceived ?? 0) > bytes) result.packets += 1;
      bytes = stats?.bytesReceived ?? 0;
    });

    const end = performance.now() + milliseconds;
    const step = () => {
      const canvas = watch.querySelector("canvas");
      if (watch.renderer.out.frame.peek()) {
        const { brightest, sum } = look(canvas);
        if (brightest < 32) result.black += 1;
        else seen.add(sum);
      }
      result.pictures = seen.size;
      result.frames = watch.video.out.stats.peek()?.frameCount ?? 0;
      result.loudest = Math.max(result.loudest, listen());
      result.width = canvas.width;
      result.height = canvas.height;
      result.version = watch.connection.established.peek()?.version;
      result.transport = watch.connection.established.peek()?.transport;
      result.done = seen.size >= pictures && result.packets >= packets && (packets === 0 || result.loudest > 0.01);
      if (!result.done && performance.now() < end) return requestAnimationFrame(step);
      dispose();
      resolve(result);
    };
    step();
  })
