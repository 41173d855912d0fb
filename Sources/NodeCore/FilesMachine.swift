package import Filesystem
package import Namespace
package import Primitives
package import Replication

/// A command of a file system's log.
package struct FilesCommand: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        case namespace(NamespaceCommand)
        case lock(InodeID, LockRange, exclusive: Bool, LockOwner)
        case unlock(InodeID, LockRange, LockOwner)
        /// The locks of a session of a client node; the registration of a client of an NFS server, with its locks.
        case endSession(NodeID, SessionID)
        /// Of clients of the NFS server of that node.
        case client(NodeID, NFSClientRequest)
        /// A part of a change that is too large for one entry (see `CommitUploads`).
        case stagePart(UploadID, part: UInt32, [UInt8])
        /// Puts an upload in force: the bytes of all its parts together are what `Uploaded` says.
        case publish(UploadID, parts: UInt32, Digest, Uploaded, CommandContext)
        /// The uploads of a session that gave up or ended.
        case dropUploads(NodeID, SessionID)
        /// Uploads are a tick older (see `CommitUploads`).
        case tick
    }

    /// What an upload holds.
    package enum Uploaded: Hashable, Sendable {
        /// The changes of a session, to be committed.
        case changes(CommitInfo)
        /// The tree of a clone, in the pieces of a snapshot.
        case tree(CommitInfo)
    }
    package static let wireVersion: UInt32 = 3

    /// Nil for commands that may take effect twice without harm.
    package let stamp: ClientStamp?
    package let at: WallTime
    package let body: Body
    package init(stamp: ClientStamp?, at: WallTime, body: Body) {
        self.stamp = stamp
        self.at = at
        self.body = body
    }
}

/// What a command did.
package enum FilesResult: Hashable, Sendable {
    case done
    case attributes(FileAttributes)
    case committed(VolumeCommit)
    case registered(NFSRegistration)
    case failed(FileFailure)
}

/// A file system as a state machine: its tree, its locks, and what makes proposals safe to repeat.
package struct FilesMachine: Sendable {
    package let filesystem: FilesystemID
    package internal(set) var namespace: NamespaceState
    package internal(set) var locks = LockTable()
    package internal(set) var nfsClients = NFSClientTable()
    var clients = ClientTable()
    package internal(set) var uploads = CommitUploads()

    package init(_ record: FilesystemRecord) {
        filesystem = record.id
        // The salt places page boundaries; the id's random bits are unknown beforehand and the same on
        // every replica.
        var settings = NamespaceSettings(salt: SeededGenerator.mix(record.id.high ^ record.id.low))
        settings.versionsKept = min(record.options.keptVersions, 100_000)
        if record.options.quotaBytes > 0 { settings.maximumBytes = record.options.quotaBytes }
        namespace = NamespaceState(settings: settings, time: record.created)
    }

    init(
        filesystem: FilesystemID, namespace: NamespaceState, locks: LockTable, nfsClients: NFSClientTable, clients: ClientTable,
        uploads: CommitUploads
    ) {
        self.filesystem = filesystem
        self.namespace = namespace
        self.locks = locks
        self.nfsClients = nfsClients
        self.clients = clients
        self.uploads = uploads
    }

    /// Applies one entry; the bytes are the result for its proposer, the same on every replica.
    mutating func apply(_ payload: [UInt8], index: UInt64, adopting: inout [ChunkReference]) -> [UInt8] {
        let command: FilesCommand
        do { command = try FilesCommand(xdr: payload) } catch {
            return FilesResult.failed(
                FileFailure(
                    .notSupported, operation: "apply", object: "log entry \(index)", cause: "\(error)",
                    hint: "a newer version of the program wrote it; bring this node up to date")
            ).xdrBytes
        }
        guard let stamp = command.stamp else { return perform(command, adopting: &adopting).xdrBytes }
        switch clients.admit(stamp, index: index, at: command.at) {
        case .fresh:
            let result = perform(command, adopting: &adopting).xdrBytes
            clients.record(stamp, result: result)
            return result
        case .duplicate(let bytes): return bytes
        case .stale: return FilesResult.done.xdrBytes
        case .expired, .tooFarAhead:
            return FilesResult.failed(
                FileFailure(
                    .stale, operation: "apply", object: "log entry \(index)", cause: "the proposer's session of this log has ended",
                    hint: "look whether the change was made, then try again")
            ).xdrBytes
        }
    }

    private mutating func perform(_ command: FilesCommand, adopting: inout [ChunkReference]) -> FilesResult {
        switch command.body {
        case .namespace(let change):
            let result = namespace.apply(change)
            if result.error == nil { adopting = change.operation.chunks }
            return FilesResult(result)
        case .lock(let inode, let range, let exclusive, let owner): return grantLock(inode, range, exclusive: exclusive, owner)
        case .unlock(let inode, let range, let owner):
            guard locks.release(inode, range, owner: owner) else { return .failed(Self.full("unlock", inode)) }
            return .done
        case .client(let node, let request): return perform(request, of: node, at: command.at)
        case .endSession(let node, let session):
            if nfsClients.entry(session.rawValue, of: node) != nil { nfsClients.end(session.rawValue) }
            locks.releaseAll(node: node, session: session)
            return .done
        case .stagePart(let id, let part, let bytes):
            return uploads.stage(id, part: part, bytes).map { .failed($0) } ?? .done
        case .publish(let id, let parts, let digest, let what, let context):
            do throws(FileFailure) {
                return publish(try uploads.take(id, parts: parts, digest: digest), what, context, adopting: &adopting)
            } catch { return .failed(error) }
        case .dropUploads(let node, let session):
            uploads.drop(node: node, session: session)
            return .done
        case .tick:
            uploads.tick()
            return .done
        }
    }

    mutating func grantLock(_ inode: InodeID, _ range: LockRange, exclusive: Bool, _ owner: LockOwner) -> FilesResult {
        guard namespace.contains(inode) else {
            return .failed(FileFailure(.stale, operation: "lock", object: "\(inode)", cause: "there is no such file any more"))
        }
        guard !range.isEmpty else {
            return .failed(FileFailure(.invalid, operation: "lock", object: "\(inode)", cause: "the range holds no byte"))
        }
        if let holder = locks.conflict(inode, range, exclusive: exclusive, owner: owner) {
            return .failed(
                FileFailure(
                    .wouldBlock, operation: "lock", object: "\(inode)", cause: "a session of node \(holder.owner.node) holds it",
                    hint: "wait for it, or try again"))
        }
        guard locks.grant(inode, range, exclusive: exclusive, owner: owner) else { return .failed(Self.full("lock", inode)) }
        return .done
    }

    static func full(_ operation: String, _ inode: InodeID) -> FileFailure {
        FileFailure(
            .overloaded, operation: operation, object: "\(inode)",
            cause: "\(LockTable.capacity) locks are held, and a part of one that is given back makes two", hint: "unlock whole ranges")
    }

    private mutating func publish(
        _ bytes: [UInt8], _ what: FilesCommand.Uploaded, _ context: CommandContext, adopting: inout [ChunkReference]
    ) -> FilesResult {
        switch what {
        case .changes(let info):
            let changes: VolumeChanges
            do { changes = try VolumeChanges(xdr: bytes) } catch {
                return .failed(
                    FileFailure(
                        .notSupported, operation: "commit", object: "changes", cause: "\(error)",
                        hint: "a newer version of the program wrote them; bring this node up to date"))
            }
            let result = namespace.apply(.commitChanges(changes, info), context: context)
            if result.error == nil { adopting = changes.chunks }
            return FilesResult(result)
        case .tree(let info): return adoptTree(bytes, info, adopting: &adopting)
        }
    }
}

extension FilesResult {
    package init(_ result: NamespaceResult) {
        switch result {
        case .failure(let error): self = .failed(FileFailure(error))
        case .success(let reply):
            switch reply {
            case .object(let object): self = .attributes(FileAttributes(object.id, object.inode))
            case .committed(let commit): self = .committed(commit)
            case .tree(_, let objects, more: true):
                self = .failed(
                    FileFailure(
                        .tooLarge, operation: "remove", object: "tree", cause: "\(objects) objects were removed, and more are left",
                        hint: "repeat it until all are gone"))
            // Several patches of one file.
            case .batch(let replies):
                if let last = replies.last?.object, replies.allSatisfy({ $0.object?.id == last.id }) {
                    self = .attributes(FileAttributes(last.id, last.inode))
                } else {
                    self = .done
                }
            case .done, .removed, .renamed, .tree: self = .done
            }
        }
    }
}

extension NamespaceOperation {
    /// The chunks that the operation puts into the tree.
    package var chunks: [ChunkReference] {
        switch self {
        case .putFile(let put): put.content.extents.map(\.chunk)
        case .writeExtents(_, let write): write.extents.map(\.chunk)
        case .commitChanges(let changes, _): changes.chunks
        case .batch(let operations): operations.flatMap(\.chunks)
        default: []
        }
    }
}

extension FilesCommand: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.wireVersion)
        writer.write(stamp)
        writer.write(at)
        switch body {
        case .namespace(let command):
            writer.write(UInt32(1))
            writer.write(command)
        case .lock(let inode, let range, let exclusive, let owner):
            writer.write(UInt32(2))
            writer.write(inode)
            writer.write(range)
            writer.write(exclusive)
            writer.write(owner)
        case .unlock(let inode, let range, let owner):
            writer.write(UInt32(3))
            writer.write(inode)
            writer.write(range)
            writer.write(owner)
        case .endSession(let node, let session):
            writer.write(UInt32(4))
            writer.write(node)
            writer.write(session)
        case .stagePart(let id, let part, let bytes):
            writer.write(UInt32(5))
            writer.write(id)
            writer.write(part)
            writer.write(opaque: bytes)
        case .publish(let id, let parts, let digest, let what, let context):
            writer.write(UInt32(6))
            writer.write(id)
            writer.write(parts)
            writer.write(digest)
            switch what {
            case .changes(let info):
                writer.write(UInt32(1))
                writer.write(info)
            case .tree(let info):
                writer.write(UInt32(2))
                writer.write(info)
            }
            writer.write(context)
        case .dropUploads(let node, let session):
            writer.write(UInt32(7))
            writer.write(node)
            writer.write(session)
        case .tick: writer.write(UInt32(8))
        case .client(let node, let request):
            writer.write(UInt32(9))
            writer.write(node)
            writer.write(request)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.wireVersion else { throw .badValue(what: "version of a file system's command", value: UInt64(version)) }
        let stamp: ClientStamp? = try reader.optional()
        let at: WallTime = try reader.value()
        let body: Body
        switch try reader.uint32() {
        case 1: body = .namespace(try reader.value())
        case 2: body = .lock(try reader.value(), try reader.value(), exclusive: try reader.bool(), try reader.value())
        case 3: body = .unlock(try reader.value(), try reader.value(), try reader.value())
        case 4: body = .endSession(try reader.value(), try reader.value())
        case 5:
            body = .stagePart(
                try reader.value(), part: try reader.uint32(), Array(try reader.opaque(limit: CommitUploads.partBytes)))
        case 6:
            let id: UploadID = try reader.value()
            let parts = try reader.uint32()
            let digest: Digest = try reader.value()
            let kind = try reader.uint32()
            guard kind == 1 || kind == 2 else { throw .badValue(what: "kind of upload", value: UInt64(kind)) }
            let info: CommitInfo = try reader.value()
            body = .publish(id, parts: parts, digest, kind == 1 ? .changes(info) : .tree(info), try reader.value())
        case 7: body = .dropUploads(try reader.value(), try reader.value())
        case 8: body = .tick
        case 9: body = .client(try reader.value(), try reader.value())
        case let other: throw .badValue(what: "file system's command", value: UInt64(other))
        }
        self.init(stamp: stamp, at: at, body: body)
    }
}

extension FilesResult: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .done: writer.write(UInt32(0))
        case .attributes(let attributes):
            writer.write(UInt32(1))
            writer.write(attributes)
        case .committed(let commit):
            writer.write(UInt32(2))
            writer.write(commit)
        case .failed(let failure):
            writer.write(UInt32(3))
            writer.write(failure)
        case .registered(let registration):
            writer.write(UInt32(4))
            writer.write(registration)
        }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 0: self = .done
        case 1: self = .attributes(try reader.value())
        case 2: self = .committed(try reader.value())
        case 3: self = .failed(try reader.value())
        case 4: self = .registered(try reader.value())
        case let other: throw .badValue(what: "file system's result", value: UInt64(other))
        }
    }
}
