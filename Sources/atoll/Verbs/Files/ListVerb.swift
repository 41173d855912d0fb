import APISchema
import Filesystem
import Primitives

/// `ls`, `rm` and `cp` of either kind.
extension FilesystemVerb {
    private struct Entry: JSONEncodable {
        var path: FilePath
        var attributes: FileAttributes

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("filename", path)
                $0.field("type", attributes.type.word)
                $0.field("modified", attributes.modified.rfc3339)
                $0.field("size", attributes.size)
                $0.field("permissions", attributes.mode)
            }
        }
    }

    /// On a terminal a table; in a pipe the paths, one a line.
    func list(_ name: String, _ text: String, version: UInt64?, json: Bool) async throws {
        let path = try path(text)
        try await run { connection in
            let filesystem = try await find(name, connection)
            let entries = try await session(filesystem, connection, readOnly: true, version: version.map { VersionID($0) }) { files in
                let attributes = try await files.existing(path)
                guard attributes.type == .directory else { return [Entry(path: path, attributes: attributes)] }
                return try await files.list(path).map { Entry(path: path.appending($0.name), attributes: $0.attributes) }
                    .sorted { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }
            }
            guard !json else { return Show.json("entries", entries) }
            guard Terminal.outputIsTerminal else {
                for entry in entries { Terminal.line(Terminal.escaped(entry.path.bytes)) }
                return
            }
            var table =
                kind == .nfs ? Table("Filename", "Type", "Modified", ">Size") : Table("Filename", "Type", "Created/Modified", ">Size")
            for entry in entries {
                table.add(
                    Terminal.escaped(entry.path.bytes), entry.attributes.type.word, entry.attributes.modified.tableText,
                    entry.attributes.type == .directory ? "" : Show.bytes(entry.attributes.size))
            }
            table.show()
        }
    }

    func remove(_ name: String, _ text: String, recursive: Bool, commit: CommitOptions, json: Bool = false) async throws {
        let path = try path(text)
        guard !path.isRoot else {
            throw CommandFailure.usage(
                operation, text, "the root can not be removed", hint: "`atoll \(kind.word) delete \(name)` deletes it all")
        }
        try await run { connection in
            let filesystem = try await find(name, connection)
            let clock = ContinuousClock.now
            let receipt = try await session(filesystem, connection, readOnly: false) { files in
                let attributes = try await files.existing(path, followLinks: false)
                guard attributes.type != .directory || recursive else {
                    throw CommandFailure(
                        operation, files.shown(path), "it is a directory", hint: "add -r to remove it with all that is in it")
                }
                try await files.names.run(path) {
                    try await files.perform(.remove(path: path, recursive: recursive), within: .seconds(600))
                }
                return try await files.commit(kind, commit)
            }
            if json, let receipt { return Receipts.json(receipt, milliseconds: (ContinuousClock.now - clock).inMilliseconds) }
            Terminal.line("\(Terminal.escaped(path.description)) was deleted successfully!")
            receipt.map { Receipts.show($0) }
        }
    }

    /// The last of `texts` is where to; it must be a directory where there are several others.
    func copy(_ name: String, _ texts: [String], recursive: Bool, commit: CommitOptions, json: Bool = false) async throws {
        guard texts.count >= 2, let last = texts.last else { throw CommandFailure.usage(operation, name, "say what to copy, and where to") }
        let sources = try texts.dropLast().map(path)
        let destination = try path(last)
        try await run { connection in
            let filesystem = try await find(name, connection)
            let clock = ContinuousClock.now
            let receipt = try await session(filesystem, connection, readOnly: false) { files in
                let found = try await files.stat(destination)
                let isDirectory = found?.type == .directory || last.hasSuffix("/")
                guard sources.count == 1 || isDirectory else {
                    throw CommandFailure.usage(operation, files.shown(destination), "it must be a directory to copy several things there")
                }
                if isDirectory, found == nil {
                    try await files.perform(.makeDirectory(path: destination, mode: 0o755, parents: true))
                }
                for source in sources {
                    let attributes = try await files.existing(source)
                    guard attributes.type != .directory || recursive else {
                        throw CommandFailure(
                            operation, files.shown(source), "it is a directory", hint: "add -r to copy it with all that is in it")
                    }
                    let to = isDirectory ? destination.appending(source.name ?? []) : destination
                    try await files.names.run(to) {
                        try await files.perform(.copy(from: source, to: to, recursive: recursive), within: .seconds(600))
                    }
                }
                return try await files.commit(kind, commit)
            }
            if json, let receipt { return Receipts.json(receipt, milliseconds: (ContinuousClock.now - clock).inMilliseconds) }
            receipt.map { Receipts.show($0) }
        }
    }
}

extension Files {
    /// Commits a volume's staged changes; a network file system has none.
    func commit(_ kind: FilesystemKind, _ options: CommitOptions) async throws -> CommitReceipt? {
        guard kind == .volume else { return nil }
        guard case .receipt(let receipt) = try await perform(.commit(options), within: .seconds(120)) else { return nil }
        return receipt
    }
}

enum Receipts {
    /// In one line, and one more for each conflict.
    static func show(_ receipt: CommitReceipt) {
        let regions = receipt.completeRegions.map(\.name).joined(separator: ", ")
        if receipt.changes == 0 {
            Terminal.line("Nothing to commit; the newest version is \(receipt.version).")
        } else {
            Terminal.line(
                "Committed \(receipt.version) (\(receipt.changes) \(receipt.changes == 1 ? "change" : "changes")), complete in \(regions).")
        }
        for conflict in receipt.conflicts {
            Terminal.line("Conflict \(conflict.index): \(Terminal.escaped(conflict.path.description)): \(conflict.reason)")
        }
    }

    static func json(_ receipt: CommitReceipt, milliseconds: Double) {
        Show.json { writer in
            writer.object {
                receipt.writeFields(to: &$0)
                $0.field("ms", milliseconds)
            }
        }
    }
}
