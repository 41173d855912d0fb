import APIClient
import APISchema
import CDispatch
import Filesystem
import Foundation
import NIOCore
import Primitives
import Synchronization

/// `get`: a file, a directory with all that is in it, what a glob matches; or files to the standard output (`-`),
/// those of a glob one behind the other in the order of their paths.
struct GetVerb: Sendable {
    let verb: FilesystemVerb
    let remote: String
    let local: String
    let force: Bool

    private struct Item: Sendable {
        var remote: FilePath
        var local: String
        var attributes: FileAttributes
        /// A directory that only leads to what is wanted, or that was there before: it keeps what it has.
        var isOnTheWay = false
    }

    private var operation: String { verb.operation }

    func run(_ files: Files) async throws -> (bytes: UInt64, files: Int) {
        if local == "-" { return try await toOutput(files) }
        Interruption.watch(operation, left: "files that came whole are there, of the others nothing")
        let items = try await collect(files)
        for item in items where !force && item.attributes.type != .directory && FileStatus(item.local, followLinks: false) != nil {
            throw CommandFailure.usage(operation, item.local, "it exists", hint: "add --force to replace it")
        }
        let progress = Progress(operation, total: items.reduce(0) { $0 + ($1.attributes.type == .file ? $1.attributes.size : 0) })
        defer { progress.end() }
        let notes = Notes(operation)
        for item in items where item.attributes.type == .directory { try makeDirectory(item.local) }
        try await PutVerb.concurrently(items.filter { $0.attributes.type != .directory }) { item in
            try await files.names.run(item.remote) { try await fetch(item, files, progress, notes) }
        }
        // What is put into a directory changes its time, and its mode may forbid that: deepest first.
        for item in items.reversed() where item.attributes.type == .directory && !item.isOnTheWay {
            try await fetchExtended(item, files, notes)
            let (bits, lost) = LocalAttributes.mode(of: item.attributes, at: item.local)
            chmod(item.local, bits)
            LocalAttributes.setModified(item.local, item.attributes.modified)
            if let lost { notes.dropped(lost, item.local) }
        }
        return (progress.done, items.count { $0.attributes.type != .directory })
    }

    private func makeDirectory(_ path: String) throws {
        do {
            try LocalFiles.makeDirectory(path)
        } catch let failure as CommandFailure {
            throw CommandFailure(operation, failure.object, failure.cause, hint: "name another local directory")
        }
    }

    // MARK: What to get

    private func collect(_ files: Files) async throws -> [Item] {
        if verb.kind == .nfs, remote.contains(where: Glob.isWild) { return try await glob(files) }
        let path = try verb.path(remote)
        let attributes = try await files.existing(path)
        var target = local
        let isDirectory = FileStatus(local)?.isDirectory ?? false
        if attributes.type == .directory {
            // The directory itself goes below an existing one; the root's content goes right into it.
            if isDirectory, let name = path.name { target = join(local, try Self.text(name)) }
            return try await tree(
                Item(remote: path, local: target, attributes: attributes, isOnTheWay: FileStatus(target) != nil), files)
        }
        if isDirectory || local.hasSuffix("/") { target = join(local, try Self.text(path.name ?? [])) }
        return [Item(remote: path, local: target, attributes: attributes)]
    }

    private func tree(_ root: Item, _ files: Files) async throws -> [Item] {
        var items: [Item] = []
        var waiting = [root]
        while let item = waiting.popLast() {
            items.append(item)
            guard item.attributes.type == .directory else { continue }
            for entry in try await files.list(item.remote) {
                waiting.append(
                    Item(
                        remote: item.remote.appending(entry.name), local: join(item.local, try Self.text(entry.name)),
                        attributes: entry.attributes))
            }
        }
        return items
    }

    /// `**` takes everything below, `*` within a name; a directory that matches comes with all that is in it.
    private func glob(_ files: Files) async throws -> [Item] {
        let pattern = remote.split(separator: "/").map(String.init)
        let fixed = pattern.prefix { !$0.contains(where: Glob.isWild) }
        let base = FilePath(components: fixed.map { Array($0.utf8) })
        let all = try await tree(Item(remote: base, local: local, attributes: try await files.existing(base)), files)
        var wanted: Set<FilePath> = []
        var ways: Set<FilePath> = []
        for item in all where item.remote.components.count > base.components.count {
            let names = item.remote.components.dropFirst(fixed.count).map { String(decoding: $0, as: UTF8.self) }
            // Directories come before what is in them.
            guard wanted.contains(item.remote.parent) || Glob.matches(names, Array(pattern.dropFirst(fixed.count))) else { continue }
            wanted.insert(item.remote)
            var way = item.remote.parent
            while way.components.count >= base.components.count, ways.insert(way).inserted, !way.isRoot { way = way.parent }
        }
        guard !wanted.isEmpty else { throw CommandFailure(operation, "\(files.label):\(remote)", "nothing matches") }
        return all.compactMap { item in
            var item = item
            item.isOnTheWay = !wanted.contains(item.remote)
            return item.isOnTheWay && !ways.contains(item.remote) ? nil : item
        }
    }

    private func join(_ folder: String, _ name: String) -> String { folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)" }

    /// Local names come from the remote side: none of them may lead elsewhere.
    private static func text(_ name: [UInt8]) throws -> String {
        guard let text = String(validating: name, as: UTF8.self) else {
            throw CommandFailure("get", Terminal.escaped(name), "its name is not UTF-8", hint: "fetch it by the HTTP API")
        }
        guard text != ".", text != "..", !text.contains("/"), !text.isEmpty else {
            throw CommandFailure("get", Terminal.escaped(name), "it can not be a local name")
        }
        return text
    }

    // MARK: Getting

    /// Into a file beside the target, which then takes its place: a get that breaks off leaves nothing.
    private func fetch(_ item: Item, _ files: Files, _ progress: Progress, _ notes: Notes) async throws {
        if item.attributes.type == .symlink {
            guard case .link(let target) = try await files.perform(.readLink(path: item.remote)) else { return }
            if force { unlink(item.local) }
            guard symlink(String(decoding: target, as: UTF8.self), item.local) == 0 else { throw failure(item.local) }
            return LocalAttributes.setModified(item.local, item.attributes.modified)
        }
        guard item.attributes.type == .file else {
            return Terminal.error("\(item.remote): skipped, it is neither file, directory nor link")
        }
        // Asked at the same time: far away it is a round trip more.
        async let names = files.perform(.listXattrs(path: item.remote))
        let download = try await files.client.get(files.filesystem, item.remote, session: files.session)
        let part = "\(item.local).\(getpid()).part"
        Interruption.begin(part: part)
        defer { Interruption.end(part: part) }
        let file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(download.permissions & 0o777 | 0o200))
        guard file >= 0 else { throw failure(item.local) }
        do {
            defer { close(file) }
            var writer = SparseWriter(file)
            try await download.forEach { buffer in
                guard buffer.withUnsafeReadableBytes({ writer.write($0) }) else { throw failure(item.local) }
                progress.add(buffer.readableBytes)
            }
            guard writer.finish() else { throw failure(item.local) }
            try await keep(try await names, of: item, in: part, files, notes)
            let (bits, lost) = LocalAttributes.mode(of: item.attributes, at: part)
            fchmod(file, bits)
            if let lost { notes.dropped(lost, item.local) }
            if let modified = download.modified { LocalAttributes.setModified(part, modified) }
        } catch {
            unlink(part)
            throw error
        }
        // A link refuses an existing target, a rename would not.
        let isPlaced = force ? rename(part, item.local) == 0 : link(part, item.local) == 0
        let problem = isPlaced ? nil : failure(item.local)
        if !force || !isPlaced { unlink(part) }
        if let problem { throw problem }
    }

    private func fetchExtended(_ item: Item, _ files: Files, _ notes: Notes) async throws {
        try await keep(try await files.perform(.listXattrs(path: item.remote)), of: item, in: item.local, files, notes)
    }

    private func keep(_ listed: FileValue, of item: Item, in local: String, _ files: Files, _ notes: Notes) async throws {
        guard case .names(let names) = listed else { return }
        for name in names where name.starts(with: "user.".utf8) {
            guard case .bytes(let value) = try await files.perform(.getXattr(path: item.remote, name: name)) else { continue }
            if !LocalAttributes.setExtended(local, name, value) { notes.dropped("extended attributes", item.local) }
        }
    }

    /// Of a local path, by what `errno` says.
    private func failure(_ path: String) -> CommandFailure {
        guard errno == ENOENT else { return LocalFiles.failure(operation, path) }
        let folder = (path as NSString).deletingLastPathComponent
        return CommandFailure(
            operation, path, "there is no local directory \(folder.isEmpty ? "." : folder)", hint: "make it first, or name another place")
    }

    private func toOutput(_ files: Files) async throws -> (bytes: UInt64, files: Int) {
        var found: [Item]
        if verb.kind == .nfs, remote.contains(where: Glob.isWild) {
            found = try await glob(files).filter { $0.attributes.type == .file }.sorted { $0.remote < $1.remote }
            guard !found.isEmpty else {
                throw CommandFailure(
                    operation, "\(files.label):\(remote)", "it matches directories without a file in them",
                    hint: "name a local directory instead of -")
            }
        } else {
            let path = try verb.path(remote)
            found = [Item(remote: path, local: "-", attributes: try await files.existing(path))]
        }
        for item in found where item.attributes.type == .directory {
            throw CommandFailure.usage(
                operation, files.shown(item.remote), "it is a directory", hint: "name a local directory instead of -")
        }
        let progress = Progress(operation, total: found.reduce(0) { $0 + $1.attributes.size })
        defer { progress.end() }
        for item in found {
            try await files.names.run(item.remote) {
                try await files.client.get(files.filesystem, item.remote, session: files.session).forEach { buffer in
                    try write(buffer, to: STDOUT_FILENO)
                    progress.add(buffer.readableBytes)
                }
            }
        }
        return (progress.done, found.count)
    }

    private func write(_ buffer: ByteBuffer, to file: Int32) throws {
        var buffer = buffer
        while buffer.readableBytes > 0 {
            let count = buffer.withUnsafeReadableBytes { Foundation.write(file, $0.baseAddress!, $0.count) }
            if count > 0 {
                buffer.moveReaderIndex(forwardBy: count)
            } else if errno == EPIPE {
                Main.end(0)
            } else if errno != EINTR {
                throw LocalFiles.failure(operation, "standard output")
            }
        }
    }
}

/// What could not be kept, told once for each thing.
private final class Notes: Sendable {
    private let operation: String
    private let told = Mutex<Set<String>>([])

    init(_ operation: String) { self.operation = operation }

    func dropped(_ what: String, _ path: String) {
        guard told.withLock({ $0.insert(what).inserted }) else { return }
        Terminal.error("\(operation): \(Terminal.escaped(path)): \(what) can not be kept here; told once")
    }
}
