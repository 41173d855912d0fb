import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives

/// `put`: a file, a directory with all that is in it, or the standard input (`-`).
struct PutVerb: Sendable {
    let verb: FilesystemVerb
    let name: String
    let local: String
    let remote: String
    let force: Bool
    let commit: CommitOptions
    /// A session that stays open: nothing is committed.
    let stage: SessionID?

    /// A local thing and the place for it.
    private struct Item: Sendable {
        var local: String
        var remote: FilePath
        var status: FileStatus
    }

    private static let concurrency = 8
    private var operation: String { verb.operation }

    func check() throws {
        guard !local.contains("*") else {
            throw CommandFailure.usage(operation, local, "globs are not taken", hint: "let the shell expand it, or name a directory")
        }
        guard local != "-" || !remote.hasSuffix("/") else {
            throw CommandFailure.usage(operation, remote, "the standard input has no name", hint: "name the remote file")
        }
        guard local != "-" else { return }
        guard let status = FileStatus(local) else { throw CommandFailure(operation, local, "there is no such local file or directory") }
        guard status.isFile || status.isDirectory || status.isStream else {
            throw CommandFailure(operation, local, "it is neither file, directory nor pipe")
        }
    }

    /// Returns what was stored, and the receipt where it was committed.
    func run(_ filesystem: FilesystemReport, _ connection: Connection) async throws -> (bytes: UInt64, files: Int, receipt: CommitReceipt?)
    {
        Interruption.watch(operation, left: left)
        if let stage {
            let names = FailureNames(filesystem, operation)
            let stored = try await names.run { try await store(Files(connection, names, session: stage)) }
            return (stored.bytes, stored.files, nil)
        }
        return try await verb.session(filesystem, connection, readOnly: false) { files in
            let stored = try await store(files)
            return (stored.bytes, stored.files, try await files.commit(verb.kind, commit))
        }
    }

    /// What there is after an interruption.
    private var left: String {
        if verb.kind == .nfs { return "files that were stored whole are there, of the others nothing" }
        return stage == nil ? "nothing was committed" : "files that were staged whole stay staged"
    }

    private func store(_ files: Files) async throws -> (bytes: UInt64, files: Int) {
        var destination = try verb.path(remote)
        if local == "-" { return try await storeInput(files, destination) }
        guard let status = FileStatus(local) else { throw CommandFailure(operation, local, "there is no such local file or directory") }
        let existing = try await files.stat(destination)
        if !status.isDirectory, remote.hasSuffix("/") || destination.isRoot || existing?.type == .directory {
            destination = destination.appending(Array((local as NSString).lastPathComponent.utf8))
        }
        let items = try status.isDirectory ? tree(local, destination) : [Item(local: local, remote: destination, status: status)]
        if !force { try await refuseExisting(items, files, isNew: existing == nil && status.isDirectory) }
        let progress = Progress(operation, total: items.reduce(0) { $0 + ($1.status.isFile ? $1.status.size : 0) })
        defer { progress.end() }
        for item in items where item.status.isDirectory {
            try await files.names.run(item.remote) {
                try await files.perform(.makeDirectory(path: item.remote, mode: item.status.permissions, parents: true))
            }
        }
        try await Self.concurrently(items.filter { !$0.status.isDirectory }) { item in
            try await files.names.run(item.remote) { try await put(item, files, progress) }
        }
        // Times of directories come last: what is put into one changes its time. One that was there before, and into
        // which the rest goes, keeps its own.
        let known = existing == nil ? nil : destination
        try await Self.concurrently(items.filter { $0.status.isDirectory && $0.remote != known }) { item in
            let changes = AttributeChanges(mode: item.status.permissions, modified: item.status.modified)
            try await files.names.run(item.remote) {
                try await files.perform(.setAttributes(path: item.remote, changes: changes))
                try await putExtended(item, files)
            }
        }
        return (progress.done, items.count { !$0.status.isDirectory })
    }

    /// Everything below a local directory, directories before what is in them.
    private func tree(_ local: String, _ remote: FilePath) throws -> [Item] {
        var items: [Item] = []
        var waiting = [(local, remote)]
        while let (folder, place) = waiting.popLast() {
            guard let status = FileStatus(folder) else { continue }
            if !place.isRoot { items.append(Item(local: folder, remote: place, status: status)) }
            for name in try LocalFiles.names(folder, operation).sorted() {
                let path = "\(folder)/\(name)"
                let target = place.appending(Array(name.utf8))
                guard let status = FileStatus(path, followLinks: false) else { continue }
                if status.isDirectory {
                    waiting.append((path, target))
                } else if status.isFile || status.isLink {
                    items.append(Item(local: path, remote: target, status: status))
                } else {
                    Terminal.error("\(operation) \(Terminal.escaped(path)): skipped, it is neither file, directory nor link")
                }
            }
        }
        return items
    }

    private func refuseExisting(_ items: [Item], _ files: Files, isNew: Bool) async throws {
        if isNew { return }
        for item in items {
            guard let found = try await files.stat(item.remote, followLinks: false) else { continue }
            if item.status.isDirectory, found.type == .directory { continue }
            throw CommandFailure(operation, files.shown(item.remote), "it exists", hint: "add --force to replace it", exitCode: 2)
        }
    }

    private func put(_ item: Item, _ files: Files, _ progress: Progress) async throws {
        if item.status.isLink {
            let target = try FileManager.default.destinationOfSymbolicLink(atPath: item.local)
            if force, try await files.stat(item.remote, followLinks: false) != nil {
                try await files.perform(.remove(path: item.remote, recursive: false))
            }
            try await files.perform(.symlink(target: Array(target.utf8), path: item.remote))
            var changes = AttributeChanges(modified: item.status.modified)
            changes.followsLinks = false
            try await files.perform(.setAttributes(path: item.remote, changes: changes))
            return
        }
        guard let file = LocalReader(item.local, item.status, operation) else { throw LocalFiles.failure(operation, item.local) }
        var options = PutOptions(
            force: force, permissions: item.status.permissions, modified: item.status.modified, session: files.session)
        options.isSparse = file.extents != nil
        // Growing or shrinking while it is read, it would break the announced length: then the put fails, whole.
        _ = try await files.client.put(
            files.filesystem, item.remote, file.buffers(progress), length: file.length(item.status), options: options)
        if item.status.isFile { try await putExtended(item, files) }
    }

    private func putExtended(_ item: Item, _ files: Files) async throws {
        for (name, value) in LocalAttributes.extended(item.local) {
            try await files.perform(.setXattr(path: item.remote, name: name, value: value))
        }
    }

    private func storeInput(_ files: Files, _ destination: FilePath) async throws -> (bytes: UInt64, files: Int) {
        let progress = Progress(operation, total: nil)
        defer { progress.end() }
        let options = PutOptions(force: force, session: files.session)
        let input = LocalReader(input: STDIN_FILENO, operation)
        return try await files.names.run(destination) {
            let stored = try await files.client.put(files.filesystem, destination, input.buffers(progress), length: nil, options: options)
            return (stored.bytes, 1)
        }
    }

    /// A few at a time; the first failure ends the others.
    static func concurrently<Element: Sendable>(_ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Void)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var next = elements.makeIterator()
            for _ in 0..<concurrency {
                guard let element = next.next() else { break }
                group.addTask { try await body(element) }
            }
            while try await group.next() != nil {
                if let element = next.next() { group.addTask { try await body(element) } }
            }
        }
    }
}
