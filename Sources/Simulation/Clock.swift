import Primitives

/// The clocks of one machine: a monotonic one with an origin and a rate of its own, and civil time,
/// which may be stepped. True time is the world's, in nanoseconds.
struct Clock {
    /// The monotonic clock's error in parts per million: it gains (or loses) so much.
    private(set) var driftPPM: Int64
    private var anchorTrue: Int64
    private var anchorLocal: Int64
    /// Added to the world's civil time.
    var civilOffset: Int64 = 0

    init(origin: Int64, driftPPM: Int64, at time: Int64) {
        self.driftPPM = driftPPM
        anchorTrue = time
        anchorLocal = origin
    }

    func local(_ time: Int64) -> Int64 {
        let span = time - anchorTrue
        guard driftPPM != 0 else { return anchorLocal + span }
        return anchorLocal + span + span / 1_000_000 * driftPPM + span % 1_000_000 * driftPPM / 1_000_000
    }

    /// The first true time at which the monotonic clock shows `reading` or more.
    func time(of reading: Int64) -> Int64 {
        let span = reading - anchorLocal
        guard driftPPM != 0 else { return anchorTrue + span }
        let rate = 1_000_000 + driftPPM
        var guess = anchorTrue + span / rate * 1_000_000 + span % rate * 1_000_000 / rate
        while local(guess) < reading { guess += reading - local(guess) }
        return guess
    }

    /// The clock goes on from what it shows, faster or slower.
    mutating func setDrift(_ ppm: Int64, at time: Int64) {
        anchorLocal = local(time)
        anchorTrue = time
        driftPPM = ppm
    }
}
