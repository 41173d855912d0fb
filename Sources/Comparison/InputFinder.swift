internal import Foundation
package import Workloads

/// Real files for a comparison: those of one's own folder, or what this machine has.
///
/// Search order for the source tree: `/usr/include`, `/usr/lib/python3`, `/usr/share/doc`,
/// `/usr/share`. Regular files of 1 byte to the limit, in order of path, until there are enough.
/// Search order for large files: `/usr/lib`, `/opt`, `/usr/local`, `/usr/bin`. Regular files of
/// 1 MiB and more, the largest first; one that is longer than the limit counts as several, part by
/// part, and first parts come before second ones. Links are not followed; at most 200,000 entries
/// are looked at and no more than 2,000,000 KiB are named.
package struct InputFinder: Sendable {
    static let treeRoots = ["/usr/include", "/usr/lib/python3", "/usr/share/doc", "/usr/share"]
    static let largeRoots = ["/usr/lib", "/opt", "/usr/local", "/usr/bin"]
    static let entriesMax = 200_000
    static let largeMin: UInt64 = 1 << 20

    /// A folder of one's own; nil for the machine's files.
    package let folder: String?

    package init(folder: String? = nil) { self.folder = folder }

    struct Found: Sendable {
        var path: String
        /// As it is called in the file system under test.
        var name: String
        var size: UInt64
    }

    package struct NoInput: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The inputs of a workload; throws where there is nothing to use.
    package func inputs(for workload: Workload) throws -> InputSet {
        if let folder, !FileManager.default.fileExists(atPath: folder) { throw NoInput(description: "input \(folder): no such folder") }
        var set = InputSet()
        if workload.inputs.treeFiles > 0 {
            let files = tree(limit: workload.inputs.treeFiles, sizeMax: workload.inputs.treeFileSize)
            set.tree = files.map { InputSet.Part(path: $0.path, name: $0.name, offset: 0, size: $0.size) }
        }
        if workload.inputs.largeFiles > 0 {
            set.large = parts(of: large(), size: workload.inputs.largeFileSize, limit: workload.inputs.largeFiles)
        }
        guard workload.inputs.treeFiles == 0 || !set.tree.isEmpty, workload.inputs.largeFiles == 0 || !set.large.isEmpty else {
            let what = set.tree.isEmpty && workload.inputs.treeFiles > 0 ? "small files" : "files of 1 MiB or more"
            throw NoInput(
                description: "workload \(workload.name): \(folder ?? "this machine") has no \(what) to read; give a folder that has")
        }
        set.origin = origin(set)
        return set
    }

    private func origin(_ set: InputSet) -> String {
        if let folder { return folder }
        let tree = Self.treeRoots.filter { root in set.tree.contains { $0.path.hasPrefix(root + "/") } }
        let large = Self.largeRoots.filter { root in set.large.contains { $0.path.hasPrefix(root + "/") } }
        return (tree + large).joined(separator: ", ")
    }

    private func tree(limit: Int, sizeMax: UInt64) -> [Found] {
        var found: [Found] = []
        for root in folder.map({ [$0] }) ?? Self.treeRoots {
            guard found.count < limit else { break }
            let known = Set(found.map(\.path))
            found += walk(root, sizes: 1...sizeMax, limit: Self.entriesMax).filter { !known.contains($0.path) }
        }
        return Array(found.prefix(limit))
    }

    private func large() -> [Found] {
        var found: [Found] = []
        for root in folder.map({ [$0] }) ?? Self.largeRoots {
            found += walk(root, sizes: Self.largeMin...UInt64.max, limit: Self.entriesMax)
        }
        return found.sorted { ($1.size, $0.path) < ($0.size, $1.path) }
    }

    private func parts(of files: [Found], size: UInt64, limit: Int) -> [InputSet.Part] {
        var parts: [InputSet.Part] = []
        var round: UInt64 = 0
        while parts.count < limit {
            var added = false
            for file in files where parts.count < limit && round * size < file.size {
                let length = min(size, file.size - round * size)
                // The end of a file that is cut is used only where it is a whole part or the file's own.
                guard round == 0 || length == size else { continue }
                parts.append(InputSet.Part(path: file.path, name: file.name, offset: round * size, size: length))
                added = true
            }
            guard added else { break }
            round += 1
        }
        return parts
    }

    /// Regular files under `root` in order of path.
    private func walk(_ root: String, sizes: ClosedRange<UInt64>, limit: Int) -> [Found] {
        let base = URL(fileURLWithPath: root)
        let keys: [URLResourceKey] = [.isRegularFileKey, .fileSizeKey, .isSymbolicLinkKey]
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: keys, errorHandler: { _, _ in true })
        else { return [] }
        let prefix = folder == nil ? "/" : base.standardizedFileURL.path + "/"
        var found: [Found] = []
        var seen = 0
        for case let url as URL in walker {
            seen += 1
            guard seen <= limit else { break }
            guard let values = try? url.resourceValues(forKeys: Set(keys)), values.isRegularFile == true, values.isSymbolicLink != true,
                let size = values.fileSize, sizes.contains(UInt64(size))
            else { continue }
            let path = url.path
            guard FileManager.default.isReadableFile(atPath: path), path.hasPrefix(prefix), path.utf8.count < 1_000 else { continue }
            found.append(Found(path: path, name: String(path.dropFirst(prefix.count)), size: UInt64(size)))
        }
        return found.sorted { $0.path < $1.path }
    }
}
