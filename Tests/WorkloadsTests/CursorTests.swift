import Filesystem
import Primitives
import Testing
import Workloads

@Suite struct CursorTests {
    static let mixes: [Workload.Mix] = WorkloadOperation.allCases.filter(\.mayBeMixed)
        .map { Workload.Mix(operation: $0, cold: 3, warm: 2) }

    static func workload(_ generator: inout SeededGenerator) -> Workload {
        let mix = mixes.filter { _ in generator.below(2) == 0 }
        let inputs = Workload.Inputs(
            treeFiles: 40, largeFiles: 1 + generator.below(8), largeFileSize: 3 << 20, records: 2 + generator.below(20),
            checkpointSize: 2 << 20)
        return Workload(
            name: "w", title: "", imitates: "", seed: generator.next(), inputs: inputs,
            limits: Workload.Limits(cold: .milliseconds(generator.below(200)), warm: .milliseconds(generator.below(100))),
            mix: mix.isEmpty ? mixes : mix)
    }

    /// Whatever fails whenever, a cursor ends, uses handles rightly, and its samples add up.
    @Test(arguments: 0..<60) func endsUnderRandomFailures(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let workload = Self.workload(&generator)
        let inventory = InputInventory(
            tree: (0..<40).map { InputFile(name: "d\($0 % 5)/f\($0)", size: UInt64($0 * 40)) },
            large: (0..<workload.inputs.largeFiles).map { InputFile(name: "l\($0)", size: 3 << 20) })
        let share = [0, 0.02, 0.2, 0.9][seed % 4]
        for kind in FilesystemKind.allCases {
            for part in [WorkloadTask.Part.prepare, .cell(repetition: seed % 3)] {
                let task = WorkloadTask(kind: kind, region: RegionID("east"), part: part)
                let put = WorkloadCursor.PutCounts(tree: 40, large: inventory.large.count)
                var cursor = WorkloadCursor(workload, task: task, inventory: inventory, put: put)
                var responder = Responder(failShare: (share, generator.split()))
                var samples: [Sample] = []
                var now = Instant.zero
                var steps = 0
                var spent = Duration.zero
                while steps < 5_000 {
                    let step = cursor.next(now: now)
                    if step == .finished { break }
                    steps += 1
                    let took = Duration.microseconds(generator.below(9_000))
                    now = now + took
                    spent += took
                    cursor.complete(responder.answer(step), took: took, now: now)
                    samples += cursor.takeSamples()
                }
                #expect(steps < 5_000 && !responder.session)
                #expect(responder.misuse.isEmpty, "\(responder.misuse)")
                // Some steps are operations by themselves as well as parts of one.
                let whole = samples.filter { $0.operation != .acquireLock && $0.operation != .tryCommit }
                #expect(whole.reduce(Duration.zero) { $0 + $1.latency } <= spent)
                #expect(samples.allSatisfy { $0.kind == kind && $0.region.name == "east" && $0.operation.meaning(on: kind) != nil })
                guard share == 0, case .cell = part else { continue }
                // Without failures each operation that the kind offers has its least number of samples.
                for line in workload.mix where line.operation.meaning(on: kind) != nil && Self.canAlwaysRun(line.operation, workload) {
                    #expect(samples.contains { $0.operation == line.operation && $0.cache == .cold }, "\(line.operation) \(kind)")
                }
            }
        }
    }

    /// Renames need files, commits need changes, reloads need none.
    static func canAlwaysRun(_ operation: WorkloadOperation, _ workload: Workload) -> Bool {
        switch operation {
        case .rename, .remove, .commit, .reload, .reloadLocal: false
        default: true
        }
    }

    @Test func coldFilesOfRepetitionsAndReadersAreDisjoint() {
        let mix = [Workload.Mix(operation: .stat, cold: 10, warm: 10), Workload.Mix(operation: .openReadClose, cold: 10, warm: 0)]
        let workload = Workload(name: "w", title: "", imitates: "", seed: 3, inputs: Workload.Inputs(treeFiles: 60), mix: mix)
        let inventory = InputInventory(tree: (0..<60).map { InputFile(name: "f\($0)", size: 10) })
        var seen: [FilePath] = []
        for repetition in 0..<3 {
            let task = WorkloadTask(kind: .nfs, region: RegionID("east"), part: .cell(repetition: repetition))
            var cursor = WorkloadCursor(workload, task: task, inventory: inventory, put: .init(tree: 60))
            var responder = Responder()
            var paths: [FilePath] = []
            while true {
                let step = cursor.next(now: .zero)
                if step == .finished { break }
                if case .perform(.stat(let path, _), _) = step { paths.append(path) }
                if case .perform(.open(path: let path, mode: _), _) = step { paths.append(path) }
                cursor.complete(responder.answer(step), took: .zero, now: .zero)
            }
            // Cold and warm of stat are the same ten; the readers' ten are others.
            #expect(paths.count == 30)
            seen += Set(paths)
        }
        #expect(seen.count == 60 && Set(seen).count == 60)
    }

    /// Random reads go over all their files and to no place twice while cold; warm they go to places that were read.
    @Test(arguments: [(17, 64), (1, 24), (2, 7), (6, 1)]) func randomReadsAreCold(files: Int, cold: Int) throws {
        let workload = Workload(
            name: "w", title: "", imitates: "", seed: 5, inputs: Workload.Inputs(largeFiles: files, largeFileSize: 16 << 20),
            limits: Workload.Limits(cold: .seconds(60), warm: .seconds(60)),
            mix: [Workload.Mix(operation: .readRandom, cold: cold, warm: min(cold, 16))])
        let inventory = InputInventory(tree: [], large: (0..<files).map { InputFile(name: "l\($0)", size: 16 << 20) })
        let task = WorkloadTask(kind: .volume, region: RegionID("east"), part: .cell(repetition: 1))
        var cursor = WorkloadCursor(
            workload, task: task, inventory: inventory, put: WorkloadCursor.PutCounts(tree: 0, large: files))
        var responder = Responder()
        var file = ""
        var places: [String] = []
        for _ in 0..<1_000 {
            let step = cursor.next(now: .zero)
            if step == .finished { break }
            if case .perform(.open(path: let path, mode: _), _) = step { file = "\(path)" }
            if case .perform(.read(_, let offset, _), _) = step {
                #expect(offset % 4_096 == 0 && offset < 16 << 20)
                places.append("\(file) \(offset)")
            }
            cursor.complete(responder.answer(step), took: .milliseconds(1), now: .zero)
        }
        #expect(responder.misuse.isEmpty && places.count == cold + min(cold, 16))
        let first = Set(places.prefix(cold))
        #expect(first.count == cold)
        #expect(places.dropFirst(cold).allSatisfy { first.contains($0) })
        #expect(Set(first.map { $0.split(separator: " ")[0] }).count == (files == 17 ? 2 : 1))
    }
}
