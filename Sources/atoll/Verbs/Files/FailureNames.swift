import APISchema
import Filesystem
import Primitives

/// Failures in the names that users gave: a node speaks of ids, sessions and open files, a user of a file system and
/// its paths, as in `nfs/share:/dir/file`.
struct FailureNames: Sendable {
    let operation: String
    let filesystem: FilesystemID
    /// Of the file system.
    let name: String

    init(_ filesystem: FilesystemReport, _ operation: String) {
        self.operation = operation
        self.filesystem = filesystem.id
        name = filesystem.label
    }

    /// `nfs/share`, as mounts name it.
    var label: String { "\(filesystem.kind.word)/\(name)" }

    func shown(_ path: FilePath) -> String { "\(label):\(path)" }

    /// Where to look for what there is.
    var lookHint: String { "`atoll \(filesystem.kind.word) ls \(name)` lists what there is" }

    /// Runs `body`; `path` is what it is about, where a node may not say so.
    @discardableResult func run<Result>(_ path: FilePath? = nil, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let failure as FileFailure where !failure.isAboutToken {
            throw named(failure, path)
        }
    }

    private func named(_ failure: FileFailure, _ path: FilePath?) -> CommandFailure {
        var told = CommandFailure(failure, operation)
        // A wait that was too long tells the file system behind the path.
        var object = failure.object
        for known in [" in \(filesystem.kind.noun) '\(name)'", " in \(filesystem)"] where object.hasSuffix(known) {
            object.removeLast(known.count)
        }
        if object.hasPrefix("/") {
            told.object = "\(label):\(object)"
        } else if let path {
            told.object = shown(path)
        } else {
            told.object = isInternal(object) ? label : "\(label) \(object)"
        }
        if failure.code == .notFound, told.hint.isEmpty { told.hint = lookHint }
        if told.hint == "see its history" { told.hint = "`atoll volume history \(name)` lists the versions that are kept" }
        return told
    }

    /// What a user has no name for.
    private func isInternal(_ object: String) -> Bool {
        if object.isEmpty || object == "node" || object == "catalog" || object == "\(filesystem.kind.noun) '\(name)'"
            || object.contains(filesystem.description)
        {
            return true
        }
        if operation.hasSuffix(" commit"), object.hasPrefix("v") { return true }
        return ["session", "open file ", "group "].contains { object.hasPrefix($0) }
            // An inode, or an entry in one.
            || object.wholeMatch(of: /i\d+(\/.*)?/) != nil
    }
}
