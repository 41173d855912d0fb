internal import Filesystem
internal import Primitives
internal import Reports
package import Workloads

// A trace on one kind: the files that it needs are put in the primary region, then its clients do again
// what they did, all at the same time, once for each repetition in a directory of its own.
extension ComparisonRunner {
    func replay(
        _ trace: Trace, as workload: Workload, kind: FilesystemKind, on filesystem: FilesystemID, from regions: [RegionID],
        into gathered: inout Gathered
    ) async throws {
        let stamp = SeededGenerator.mix(options.nonce &+ SeededGenerator.mix(workload.seed) &+ UInt64(kind.rawValue))
        let place = CellPlace(filesystem: filesystem, inputs: InputSet(), stamp: ContentStamp(stamp))
        var homes: [RegionID] = []
        for client in trace.clients.indices {
            guard let region = trace.region(of: client, home: options.primary, others: Array(regions.dropFirst()), map: options.map) else {
                throw ComparisonError(
                    "trace \(trace.name): region \(trace.clients[client].region) is not among \(Figure.joined(regions.map(\.name))); "
                        + "home, near and far fit every map")
            }
            homes.append(region)
        }
        try await prepare(trace, workload, kind, place, stamp, into: &gathered)
        let before = try await client.linkBytes()
        for repetition in 0..<workload.repetitions {
            try Task.checkCancellation()
            let started = clock.now()
            let cells = homes.enumerated().map { client, region in
                Cell(
                    TraceCursor(
                        trace, client: client, base: Self.base(trace, repetition), kind: kind, region: region, repetition: repetition,
                        seed: stamp), at: place)
            }
            let results = await self.cells.run(cells) { _ in }
            var late = 0
            for result in results {
                take(result, "\(trace.name) \(kind.word) client \(trace.clients[result.cursor.task.client].name)", into: &gathered)
                late += (result.cursor as? TraceCursor)?.late ?? 0
            }
            let took = (clock.now() - started).inMilliseconds
            progress("\(trace.name) \(kind.word): repetition \(repetition + 1) of \(workload.repetitions), \(Figure.duration(took))")
            let recorded = trace.events.last?.at.inMilliseconds ?? 0
            gathered.notes.append(
                "\(trace.name), \(kind.noun), repetition \(repetition + 1): \(Figure.duration(took)) for what was recorded in "
                    + "\(Figure.duration(recorded)); \(late) of \(trace.events.count) events began more than 100 ms after their time.")
        }
        gathered.traffic += traffic(workload, kind, "measure", from: before, to: try await client.linkBytes())
    }

    private static func base(_ trace: Trace, _ repetition: Int) -> FilePath {
        TraceCursor.path(.root, "\(trace.name)/r\(repetition)")
    }

    private func prepare(
        _ trace: Trace, _ workload: Workload, _ kind: FilesystemKind, _ place: CellPlace, _ seed: UInt64, into gathered: inout Gathered
    ) async throws {
        let files = trace.files
        let size = files.reduce(0) { $0 + $1.size }
        progress("\(trace.name) \(kind.word): preparing \(files.count) files, \(Figure.bytes(size)), for each repetition")
        let before = try await client.linkBytes()
        let started = clock.now()
        var steps: [(operation: FileOperation, payload: Payload?)] = []
        let none = HandleID(0)
        for repetition in 0..<workload.repetitions {
            let base = Self.base(trace, repetition)
            steps.append((.makeDirectory(path: base, mode: 0o755, parents: true), nil))
            for directory in trace.directories {
                steps.append((.makeDirectory(path: TraceCursor.path(base, directory), mode: 0o755, parents: true), nil))
            }
            for file in files {
                let path = TraceCursor.path(base, file.path)
                steps.append((.open(path: path, mode: .create(mode: 0o644, exclusive: false, truncate: true)), nil))
                var offset: UInt64 = 0
                while offset < file.size {
                    let length = UInt32(min(file.size - offset, UInt64(Trace.bytesMax)))
                    let payload = TraceCursor.payload("\(repetition)/\(file.path)", offset, length, seed: seed)
                    steps.append((.write(handle: none, offset: offset), payload))
                    offset += UInt64(length)
                }
                steps.append((.close(handle: none, abandon: false), nil))
            }
        }
        if kind == .volume { steps.append((.commit(CommitOptions(message: "\(trace.name): inputs", wait: .all)), nil)) }
        let client = ScriptedClient(steps, title: trace.name, kind: kind, region: options.primary)
        for result in await cells.run([Cell(client, at: place)], note: { _ in }) {
            if let failure = result.gaveUp { throw ComparisonError("\(trace.name) on a \(kind.noun): the preparation failed: \(failure)") }
        }
        let seconds = (clock.now() - started).inMilliseconds / 1_000
        gathered.inputs[workload.name, default: []].append(
            ComparisonReport.InputSummary(
                kind: kind.word, treeFiles: files.count * workload.repetitions, largeFiles: 0, bytes: size * UInt64(workload.repetitions),
                seconds: Figure.rounded(seconds, 3), origin: "generated, as large as the trace reads them"))
        gathered.traffic += traffic(workload, kind, "prepare", from: before, to: try await self.client.linkBytes())
    }
}

extension Workload {
    /// A trace as a workload: its mix is the trace's own, and none of the limits of others hold.
    package init(replaying trace: Trace, from path: String) {
        var mix: [Mix] = []
        for event in trace.events {
            let operation: WorkloadOperation =
                switch event.verb {
                case .stat: .stat
                case .list: .list
                case .read: .read
                case .write: .write
                case .sync: .sync
                case .close: .close
                case .mkdir: .makeDirectory
                case .rename: .rename
                case .remove: .remove
                case .commit: .commit
                case .reload: .reload
                }
            if let known = mix.firstIndex(where: { $0.operation == operation }) {
                mix[known].cold += 1
            } else {
                mix.append(Mix(operation: operation, cold: 1, warm: 0))
            }
        }
        let last = trace.events.last?.at ?? .zero
        self.init(
            name: trace.name, title: "A recorded trace, replayed",
            imitates:
                "What was recorded in \(path): \(trace.events.count) operations of \(trace.clients.count) clients in "
                + "\(Figure.duration(last.inMilliseconds)), each no earlier than at its time and after the one before it.",
            seed: 109, limits: Limits(prepare: .seconds(10), cold: last, warm: .zero), mix: mix)
        self.trace = trace
    }
}
