internal import Filesystem
internal import Primitives

// Where things lie, and which of them a repetition uses.
//
//     /WORKLOAD/tree/…            the source tree, names as found
//     /WORKLOAD/large/N           large files
//     /WORKLOAD/records/N         small records
//     /WORKLOAD/checkpoints/N     one for each repetition, saved by the preparation
//     /WORKLOAD/published/…       what publishers rename into place and pollers list
//     /WORKLOAD/out/REGION/rN     a cell's own directory
extension WorkloadCursor {
    func path(_ rest: String) -> FilePath {
        guard let path = FilePath(workload.name + rest) else { preconditionFailure("a path of the workload's own: \(rest)") }
        return path
    }

    var ownDirectory: FilePath { path("/out/\(task.region)/r\(task.repetition)" + (task.client > 0 ? "c\(task.client)" : "")) }
    func own(_ name: String) -> FilePath { ownDirectory.appending(Array(name.utf8)) }

    static func treePath(_ workload: Workload, _ file: InputFile) -> FilePath? { FilePath("\(workload.name)/tree/\(file.name)") }
    func largePath(_ index: Int) -> FilePath { path("/large/\(index)") }
    func recordPath(_ index: Int) -> FilePath { path("/records/\(index)") }

    /// 0 ..< count in an order drawn from the seed (Fisher and Yates).
    static func order(_ count: Int, seed: UInt64) -> [Int] {
        var order = Array(0..<count)
        var generator = SeededGenerator(seed: seed)
        for index in stride(from: count - 1, to: 0, by: -1) { order.swapAt(index, generator.below(index + 1)) }
        return order
    }

    /// The directories of the tree that hold files, in order of path.
    static func directories(_ workload: Workload, _ files: ArraySlice<InputFile>) -> [FilePath] {
        let parents = files.compactMap { treePath(workload, $0)?.parent }.sorted()
        var out: [FilePath] = []
        for parent in parents where out.last != parent { out.append(parent) }
        return out
    }

    /// A slice of the tree for each repetition and each operation that reads it: what one has read
    /// would not be cold for the other. Nil where the slice is used up (but never for the first of it).
    func treeTarget(_ operation: WorkloadOperation, _ ordinal: Int) -> Int? {
        let readers = workload.treeReaders
        guard !treeOrder.isEmpty, let reader = readers.firstIndex(of: operation) else { return nil }
        let width = max(1, treeOrder.count / (workload.repetitions * readers.count))
        guard ordinal < width else { return nil }
        let start = (task.repetition * readers.count + reader) * width
        return treeOrder[(start + ordinal) % treeOrder.count]
    }

    func directoryTarget(_ ordinal: Int) -> FilePath? {
        guard !directories.isEmpty else { return nil }
        let width = max(1, directories.count / workload.repetitions)
        guard ordinal < width else { return nil }
        return directories[(task.repetition * width + ordinal) % directories.count]
    }

    /// Large files of this repetition: those behind the sequential ones are for random reads, about a third of them.
    var largeGroup: (first: Int, sequential: Int, random: Int)? {
        guard put.large > 0 else { return nil }
        let width = max(1, put.large / workload.repetitions)
        let first = task.repetition * width % put.large
        // One file serves both, and what never reads at random leaves it no file.
        guard workload.count(.readRandom, .cold) > 0, width > 1 else { return (first, width, width) }
        let random = (width + 1) / 3
        return (first, width - random, random)
    }

    /// A page of a large file for each random read, as offset in bytes: evenly over the files, one place after the other in no
    /// order that a reader ahead could follow, and never the same place twice, which would not be cold.
    func randomPlace(_ target: Int) -> (file: Int, offset: UInt64)? {
        guard let group = largeGroup else { return nil }
        let reads = (max(1, workload.count(.readRandom, .cold)) + group.random - 1) / group.random
        let position = target / reads % group.random
        let width = max(1, put.large / workload.repetitions)
        let file = (group.first + width - group.random + position) % put.large
        let pages = max(1, inventory.large[file].size / 4_096)
        let places = min(UInt64(reads), pages)
        let place = UInt64(target % reads) % places * Self.step(through: places) % places
        let start = place * pages / places
        let room = max(1, (place + 1) * pages / places - start)
        return (file, (start + seed(3, target) % room) * 4_096)
    }

    /// About the golden section of `count`, and without a common divisor: steps of it reach each of `count` places once, each
    /// far from the last.
    private static func step(through count: UInt64) -> UInt64 {
        func divisor(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? a : divisor(b, a % b) }
        var step = max(1, count * 618 / 1_000)
        while divisor(count, step) != 1 { step -= 1 }
        return step
    }

    /// Records: the first half is updated, the second half read; a slice of each for each repetition.
    func recordTarget(_ ordinal: Int, updated: Bool) -> Int? {
        let half = max(1, workload.inputs.records / 2)
        let width = max(1, half / workload.repetitions)
        guard ordinal < width else { return nil }
        let index = (task.repetition * width + ordinal) % half
        return updated ? index : (index + half) % workload.inputs.records
    }

    /// A seed for one thing of this cell.
    func seed(_ salt: UInt64, _ ordinal: Int) -> UInt64 {
        var value = SeededGenerator.mix(workload.seed &+ salt)
        for byte in task.region.name.utf8 { value = SeededGenerator.mix(value ^ UInt64(byte)) }
        return SeededGenerator.mix(value &+ UInt64(task.client) << 48 &+ UInt64(task.repetition) << 32 &+ UInt64(ordinal))
    }

    /// Content of a small file that the cell writes: the start of a real file where there is a tree.
    func smallPayload(_ ordinal: Int) -> Payload {
        let length = workload.inputs.writeSize
        if !inventory.tree.isEmpty {
            let index = Int(seed(1, ordinal) % UInt64(inventory.tree.count))
            let size = inventory.tree[index].size
            if size > 0 { return .tree(index, offset: 0, length: UInt32(min(size, UInt64(length)))) }
        }
        return .record(seed: seed(2, ordinal), length: length)
    }
}
