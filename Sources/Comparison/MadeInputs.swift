internal import Primitives
package import Workloads

// Inputs that are only names and sizes, for worlds that hold no bytes: the same on every machine.
extension InputSet {
    /// As many files as a workload asks for. Sizes of the tree are drawn from the workload's seed, most of
    /// them small, as those of headers and scripts are; large files are as large as it wants.
    package static func made(for workload: Workload) -> InputSet {
        var set = InputSet()
        var generator = SeededGenerator(seed: SeededGenerator.mix(workload.seed))
        for index in 0..<workload.inputs.treeFiles {
            // Sizes double from 512 bytes to the limit; the middle of the range is drawn most often.
            var size: UInt64 = 512
            while size < workload.inputs.treeFileSize, generator.below(100) < 70 { size *= 2 }
            size = min(workload.inputs.treeFileSize, size + generator.next(upperBound: size))
            set.tree.append(Part(path: "", name: "made/d\(index / 40)/f\(index % 40)", offset: 0, size: size))
        }
        for index in 0..<workload.inputs.largeFiles {
            set.large.append(Part(path: "", name: "made/large-\(index)", offset: 0, size: workload.inputs.largeFileSize))
        }
        set.origin = "sizes drawn from the workload’s seed"
        return set
    }
}
