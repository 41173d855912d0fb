internal import Filesystem
package import Primitives
internal import Reports
package import Workloads

/// Measures what calls cost a machine beside what the simulator models: the same few calls, from the
/// primary region, on the live cluster and in a simulated one without local costs; the difference of
/// the medians is the cost. Two sizes of each give a price for a call and one for a byte.
package struct Calibration: Sendable {
    let client: any WorkloadClient
    let clock: any RunClock
    let primary: RegionID
    /// Tells its names and content from other runs'.
    let nonce: UInt64

    package init(client: any WorkloadClient, clock: any RunClock, primary: RegionID, nonce: UInt64) {
        self.client = client
        self.clock = clock
        self.primary = primary
        self.nonce = nonce
    }

    /// Rounds that count, and those before them that warm up.
    static let rounds = 15
    static let warmUps = 3
    package static var roundsText: String { "\(rounds) rounds of single calls" }
    static let small = 4_096 + 1
    static let large = 1 << 20
    /// Files of the directory that is listed.
    static let entries = 40

    /// Median times, in order of first occurrence.
    package struct Times: Sendable {
        struct Key: Hashable {
            var kind: FilesystemKind
            var call: WorkloadCosts.Call
            var units: UInt64
        }
        private(set) var keys: [Key] = []
        private var samples: [Key: [Double]] = [:]  // looked up only

        mutating func add(_ key: Key, _ took: Duration) {
            if samples[key] == nil { keys.append(key) }
            samples[key, default: []].append(took.inMilliseconds)
        }

        /// Of each series its median, and of several series' medians the least: other work on the machine only adds.
        func median(_ key: Key) -> Double? {
            let own = samples[key].flatMap { Measurement.percentile(0.5, of: $0) }
            return ([own] + others.map { $0.median(key) }).compactMap { $0 }.min()
        }

        /// Series measured at other times.
        private var others: [Times] = []
        package mutating func add(_ other: Times) { others.append(other) }
    }

    /// Makes a file system of each kind, measures, deletes it.
    package func run(_ kinds: [FilesystemKind]) async throws -> Times {
        var times = Times()
        for kind in kinds {
            let name = "calibrate-\(kind.word)-\(nonce)"
            let filesystem = try await client.createFilesystem(named: name, kind: kind, primary: primary)
            do {
                var caller = try await Caller(self, kind, filesystem)
                try await measure(&caller, into: &times)
                await client.closeSession(caller.session, in: primary)
            } catch {
                try? await client.deleteFilesystem(filesystem)
                throw error
            }
            try? await client.deleteFilesystem(filesystem)
        }
        return times
    }

    private func measure(_ caller: inout Caller, into times: inout Times) async throws {
        try await caller.call(.makeDirectory(path: path("many"), mode: 0o755, parents: true))
        try await caller.call(.makeDirectory(path: path("few"), mode: 0o755, parents: true))
        for number in 0..<Self.entries { try await caller.put(path("many/\(number)"), 64) }
        if caller.kind == .volume { try await caller.call(.commit(CommitOptions(message: "calibration"))) }
        for round in 0..<(Self.rounds + Self.warmUps) {
            try Task.checkCancellation()
            caller.counts = round >= Self.warmUps
            for size in [Self.small, Self.large] { try await exercise(&caller, path("few/\(round)-\(size)"), size) }
            try await caller.call(.list(path: path("many"), cookie: 0, limit: 1_000))
            try await caller.call(.list(path: path("few"), cookie: 0, limit: 2))
        }
        for (key, took) in caller.samples { times.add(key, took) }
    }

    /// A file is put, published, looked at, read, changed by name and removed.
    private func exercise(_ caller: inout Caller, _ file: FilePath, _ size: Int) async throws {
        try await caller.put(file, size)
        if caller.kind == .volume {
            try await caller.call(.commit(CommitOptions(message: "calibration")))
            try await caller.call(.reload(.latest, discard: false))
            try await caller.call(.reload(.local, discard: false))
        }
        try await caller.call(.stat(path: file, followLinks: true))
        let handle = try await caller.open(file, .read)
        for _ in 0..<2 { try await caller.call(.read(handle: handle, offset: 0, length: UInt32(size))) }
        if size == Self.large {
            for _ in 0..<2 { try await caller.call(.read(handle: handle, offset: 600_000, length: 4_096)) }
        }
        try await caller.call(.close(handle: handle, abandon: false))
        if caller.kind == .nfs {
            let handle = try await caller.open(file, .write)
            try await caller.call(.lock(handle: handle, range: LockRange(start: 0, length: 1), exclusive: true, wait: true))
            try await caller.call(.write(handle: handle, offset: 0), payload: size)
            try await caller.call(.sync(handle: handle))
            try await caller.call(.unlock(handle: handle, range: LockRange(start: 0, length: 1)))
            try await caller.call(.close(handle: handle, abandon: false))
        }
        let moved = FilePath(components: file.parent.components + [Array("moved".utf8)])
        try await caller.call(.rename(from: file, to: moved, noReplace: false))
        try await caller.call(.remove(path: moved, recursive: false))
        if caller.kind == .volume { try await caller.call(.commit(CommitOptions(message: "calibration"))) }
    }

    private func path(_ text: String) -> FilePath {
        guard let path = FilePath(text) else { preconditionFailure("\(text) is no path") }
        return path
    }
}

// From two series of times to costs.
extension Calibration {
    /// The live medians less the simulated ones; nothing is less than 0.
    package static func costs(live: Times, simulated: Times, origin: String) -> WorkloadCosts {
        var points: [(kind: FilesystemKind, call: WorkloadCosts.Call, units: UInt64, microseconds: Double)] = []
        for key in live.keys {
            guard let measured = live.median(key), let modelled = simulated.median(key) else { continue }
            points.append((key.kind, key.call, key.units, max(0, measured - modelled) * 1_000))
        }
        var entries: [WorkloadCosts.Entry] = []
        for point in points where !entries.contains(where: { $0.kind == point.kind.word && $0.call == point.call }) {
            let line = points.filter { $0.kind == point.kind && $0.call == point.call }.sorted { $0.units < $1.units }
            guard let low = line.first, let high = line.last else { continue }
            let span = Double(high.units - low.units)
            let slope = span > 0 ? max(0, (high.microseconds - low.microseconds) * 1_000 / span) : 0
            let base = max(0, low.microseconds - slope * Double(low.units) / 1_000)
            entries.append(
                WorkloadCosts.Entry(
                    point.kind, point.call, microseconds: Figure.rounded(base, 1), nanosecondsPerUnit: Figure.rounded(slope, 4)))
        }
        return WorkloadCosts(entries: entries, origin: origin)
    }

    /// One session, and the times of its calls.
    private struct Caller {
        let calibration: Calibration
        let kind: FilesystemKind
        let session: SessionID
        var meter = CallMeter()
        var counts = false
        var serial: UInt64 = 0
        var samples: [(Times.Key, Duration)] = []

        init(_ calibration: Calibration, _ kind: FilesystemKind, _ filesystem: FilesystemID) async throws {
            self.calibration = calibration
            self.kind = kind
            // A new file system may take a moment to elect its leader.
            var last: FileFailure?
            for _ in 0..<CellDriver.openTries {
                do throws(FileFailure) {
                    session = try await calibration.client.openSession(filesystem, in: calibration.primary, options: SessionOptions())
                    return
                } catch {
                    last = error
                    await calibration.clock.sleep(CellDriver.openPause)
                }
            }
            throw ComparisonError("the calibration cannot open a session: \(last.map(\.description) ?? "not tried")")
        }

        @discardableResult
        mutating func call(_ operation: FileOperation, payload: Int? = nil) async throws -> FileValue {
            var bytes: [UInt8]?
            if let payload {
                serial += 1
                bytes = Revision.freshBytes(seed: calibration.nonce &+ serial, length: UInt64(payload))
            }
            let started = calibration.clock.now()
            let (outcome, _) = try await calibration.client.perform(operation, session: session, in: calibration.primary, payload: bytes)
            let took = calibration.clock.now() - started
            let (call, units) = meter.note(operation, payload: UInt64(payload ?? 0), outcome.value)
            if counts { samples.append((Times.Key(kind: kind, call: call, units: units), took)) }
            return outcome.value
        }

        mutating func open(_ path: FilePath, _ mode: OpenMode) async throws -> HandleID {
            guard case .opened(let handle, _) = try await call(.open(path: path, mode: mode)) else {
                throw ComparisonError("the calibration opened \(path) and got no handle")
            }
            return handle
        }

        mutating func put(_ path: FilePath, _ size: Int) async throws {
            let handle = try await open(path, .create(mode: 0o644, exclusive: false, truncate: true))
            try await call(.write(handle: handle, offset: 0), payload: size)
            try await call(.close(handle: handle, abandon: false))
        }
    }
}
