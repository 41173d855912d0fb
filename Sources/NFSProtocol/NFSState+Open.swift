import Filesystem
import Primitives

// OPEN, CLOSE, OPEN_DOWNGRADE (RFC 8881 §18.16, §18.2, §18.18).

/// The arguments of OPEN.
struct OpenArguments: Sendable {
    enum Creation: Sendable {
        case none
        case unchecked(SettableAttributes)
        case guarded(SettableAttributes)
        case exclusive(verifier: [UInt8], SettableAttributes)
    }

    enum Claim: Sendable {
        case name([UInt8])
        case handle
        case previous
    }

    let sequence: UInt32
    let access: UInt32
    let deny: UInt32
    let client: ClientID
    let owner: [UInt8]
    let creation: Creation
    let claim: Claim

    init(_ arguments: inout Arguments, minor: UInt32) throws(Stop) {
        sequence = try arguments.uint32()
        let access = try arguments.uint32()
        deny = try arguments.uint32()
        client = ClientID(rawValue: try arguments.uint64())
        owner = Array(try arguments.opaque(limit: 1_024))
        switch try arguments.uint32() {
        case 0: creation = .none
        case 1:
            switch try arguments.uint32() {
            case 0: creation = .unchecked(try arguments.settable())
            case 1: creation = .guarded(try arguments.settable())
            case 2: creation = .exclusive(verifier: Array(try arguments.fixed(8)), SettableAttributes())
            case 3 where minor > 0: creation = .exclusive(verifier: Array(try arguments.fixed(8)), try arguments.settable())
            default: throw .status(.badxdr)
            }
        default: throw .status(.badxdr)
        }
        switch try arguments.uint32() {
        case 0: claim = .name(try arguments.name())
        case 1:
            _ = try arguments.uint32()
            claim = .previous
        case 4 where minor > 0: claim = .handle
        // There are no delegations.
        case 2, 3, 5, 6: throw .status(.notsupp)
        default: throw .status(.badxdr)
        }
        // What the client would like of delegations is in bits above.
        self.access = minor > 0 ? access & 0xff : access
        guard (1...3).contains(self.access), deny <= 3 else { throw .status(.inval) }
    }

    var wanted: SettableAttributes {
        switch creation {
        case .none: SettableAttributes()
        case .unchecked(let wanted), .guarded(let wanted), .exclusive(_, let wanted): wanted
        }
    }
}

extension NFSState {
    mutating func open(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let asked = try OpenArguments(&arguments, minor: run.minor)
        let client = try client(asked.client, &run)
        try checkOwner(OwnerKey(client: client, name: asked.owner, locks: false), asked.sequence, &run)
        // Reading on: the object, or the directory that it is in.
        let place = try object(run.current, orElse: asked.wanted.isEmpty ? .isdir : .rofs)
        let registration = try registration(client, place.filesystem, denies: asked.deny != 0, &run, 20)
        if case .previous = asked.claim {
            guard registration.told.isKnown, clients[client]?.hasReclaimed == false else { throw .status(.noGrace) }
            let attributes = try attributes(&run, 1, of: .object(place.filesystem, place.inode))
            // In 4.0 a reclaim needs no OPEN_CONFIRM (RFC 7530 §16.18.5).
            counted[OwnerKey(client: client, name: asked.owner, locks: false)]?.isConfirmed = true
            return try openExisting(asked, place, attributes, client, nil, &run)
        }
        // Opens are not in the replicated state. As long as others of an earlier start may come back for theirs, nothing is opened that
        // could stand against them (§8.4.2.1).
        if isGrace, registration.told.othersDeny || registration.told.othersMissing && asked.deny != 0 { throw .status(.grace) }
        switch asked.claim {
        case .previous: break
        case .handle:
            let key = try object(run.current, orElse: .isdir)
            let attributes = try attributes(&run, 1, of: .object(key.filesystem, key.inode))
            try openExisting(asked, key, attributes, client, nil, &run)
        case .name(let name):
            let directory = try object(run.current, orElse: asked.wanted.isEmpty ? .isdir : .rofs)
            try openName(asked, name, directory, client, &run)
        }
    }

    private mutating func openName(
        _ asked: OpenArguments, _ name: [UInt8], _ directory: ObjectKey, _ client: ClientID, _ run: inout CompoundRun
    ) throws(Stop) {
        let handle = FileHandle.object(directory.filesystem, directory.inode)
        try requireDirectory(run.known[handle])
        try require(.execute, on: handle, &run, 1)
        let existing: FileAttributes
        switch try child(&run, 2, name, of: directory) {
        case .success(let found): existing = found
        case .failure(let failure):
            guard failure.code == .notFound, !asked.isPlain else { throw .status(NFSStatus(failure)) }
            return try openNew(asked, name, directory, client, &run)
        }
        let key = ObjectKey(filesystem: directory.filesystem, inode: existing.inode)
        switch asked.creation {
        case .none, .unchecked: break
        case .guarded: throw .status(.exist)
        case .exclusive(let verifier, _):
            let isAgain = exclusive.contains {
                $0.directory == directory && $0.name == name && $0.verifier == verifier && $0.inode == existing.inode
            }
            guard isAgain else { throw .status(.exist) }
        }
        try openExisting(asked, key, existing, client, directory, &run)
    }

    private mutating func openNew(
        _ asked: OpenArguments, _ name: [UInt8], _ directory: ObjectKey, _ client: ClientID, _ run: inout CompoundRun
    ) throws(Stop) {
        try requireWritable(directory, &run, 3)
        let wanted = asked.wanted
        guard states.count < limits.states else { throw .status(.resource) }
        let path = FilePath(base: directory.inode, components: [name])
        let mode = OpenMode.create(mode: wanted.changes.mode ?? 0o644, exclusive: true, truncate: false)
        let user = maker(directory.filesystem, run)
        let attributes: FileAttributes
        let handle: SeamHandle
        switch try attempt(&run, 4, user, .open(path: path, mode: mode)) {
        case .success((.opened(let id, let made), _)): (handle, attributes) = (SeamHandle(user: user, handle: id), made)
        case .success: throw .status(.serverfault)
        // Made by another meanwhile: the client asks again, and is told of what there is now.
        case .failure(let failure): throw .status(failure.code == .exists ? .delay : NFSStatus(failure))
        }
        let key = ObjectKey(filesystem: directory.filesystem, inode: attributes.inode)
        run.changed[.object(key.filesystem, key.inode)] = attributes
        var rest = wanted
        rest.named.remove(.size)
        rest.changes.size = wanted.changes.size == 0 ? nil : wanted.changes.size
        _ = try setRest(rest, of: attributes, key.filesystem, alreadySet: [.mode], &run, 5)
        if let now = run.known[.object(key.filesystem, key.inode)] { run.changed[.object(key.filesystem, key.inode)] = now }
        var change = XDRWriter()
        swap(&change, &run.body)
        try writeChange(of: directory, before: knownChange(of: directory, run), &run, 6)
        swap(&change, &run.body)
        if case .exclusive(let verifier, _) = asked.creation {
            if exclusive.count >= ExclusiveCreate.kept { exclusive.removeFirst() }
            exclusive.append(ExclusiveCreate(directory: directory, name: name, verifier: verifier, inode: key.inode))
        }
        try finishOpen(asked, key, client, handle, writes: true, change: change.bytes, set: wanted.named, &run)
    }

    private mutating func openExisting(
        _ asked: OpenArguments, _ key: ObjectKey, _ attributes: FileAttributes, _ client: ClientID, _ directory: ObjectKey?,
        _ run: inout CompoundRun
    ) throws(Stop) {
        switch attributes.type {
        case .file: break
        case .directory: throw .status(.isdir)
        case .symlink: throw .status(.symlink)
        default: throw .status(run.minor > 0 ? .wrongType : .symlink)
        }
        let reads = asked.access & NFSShare.read != 0
        let writes = asked.access & NFSShare.write != 0
        // A client reads what it executes.
        let mayRead = run.caller.may(.read, attributes) || run.caller.may(.execute, attributes)
        let isOwner = attributes.owner == run.caller.user && exclusive.contains { $0.inode == key.inode }
        guard isOwner || asked.isReclaim || (!reads || mayRead) && (!writes || run.caller.may(.write, attributes)) else {
            throw .status(.access)
        }
        let own = state(of: client, asked.owner, key)
        try requireShare(asked, key, except: own?.number)
        guard own != nil || states.count < limits.states else { throw .status(.resource) }
        let user = self.own(key.filesystem)
        let value = try file(&run, 10, user, .open(path: key.path, mode: writes ? .write : .read)).value
        guard case .opened(let id, let fresh) = value else { throw .status(.serverfault) }
        run.changed[.object(key.filesystem, key.inode)] = fresh
        var set = AttributeSet()
        if case .unchecked(let wanted) = asked.creation, wanted.changes.size == 0 {
            guard run.caller.may(.write, attributes) else { throw .status(.access) }
            try settle(key, &run, 11)
            var changes = AttributeChanges(size: 0)
            changes.followsLinks = false
            let cut = try file(&run, 12, user, .setAttributes(path: key.path, changes: changes)).value
            if case .attributes(let now) = cut { run.changed[.object(key.filesystem, key.inode)] = now }
            set.insert(.size)
        }
        var change = XDRWriter()
        if let directory {
            // Nothing was changed in it.
            let known = run.known[.object(directory.filesystem, directory.inode)]?.changeID ?? 0
            change.write(true)
            change.write(known << 16)
            change.write(known << 16)
        } else {
            change.write(true)
            change.write(UInt64(0))
            change.write(UInt64(0))
        }
        try finishOpen(
            asked, key, client, SeamHandle(user: user, handle: id), writes: writes, change: change.bytes, set: set, &run)
    }

    private func state(of client: ClientID, _ owner: [UInt8], _ key: ObjectKey) -> NFSStateRecord? {
        objects[key]?.opens.lazy.compactMap { states[$0] }.first { $0.client == client && $0.owner == owner }
    }

    /// Share reservations, among the clients of this node. One whose lease has run out gives way.
    private mutating func requireShare(_ asked: OpenArguments, _ key: ObjectKey, except own: UInt64?) throws(Stop) {
        for number in objects[key]?.opens ?? [] where number != own {
            guard let other = states[number], asked.access & other.deny != 0 || asked.deny & other.access != 0 else { continue }
            guard let client = clients[other.client], isExpired(client) else {
                throw .status(asked.isReclaim ? .reclaimConflict : .shareDenied)
            }
            end(other.client)
        }
    }

    /// The state is made, or made more of; the handle is the object's, or not needed.
    private mutating func finishOpen(
        _ asked: OpenArguments, _ key: ObjectKey, _ client: ClientID, _ handle: SeamHandle, writes: Bool, change: [UInt8],
        set: AttributeSet, _ run: inout CompoundRun
    ) throws(Stop) {
        let state: NFSStateRecord
        if var own = self.state(of: client, asked.owner, key) {
            own.access |= asked.access
            own.deny |= asked.deny
            own.sequence = own.sequence &+ 1
            states[own.number] = own
            state = own
        } else {
            state = try addState(&run) {
                NFSStateRecord(
                    number: $0, client: client, kind: .open, object: key, owner: asked.owner, access: asked.access, deny: asked.deny)
            }
            objects[key, default: OpenObject()].opens.append(state.number)
        }
        var isSurplus = false
        if writes {
            isSurplus = objects[key]!.writer != nil
            if !isSurplus { objects[key]!.writer = handle }
        } else {
            isSurplus = objects[key]!.reader != nil
            if !isSurplus { objects[key]!.reader = handle }
        }
        if isSurplus { post(.file(handle.user, .close(handle: handle.handle, abandon: true), payload: [])) }
        id(of: state).encode(to: &run.body)
        run.body.write(fixed: change)
        // Locks are POSIX's: ranges of one owner merge and split.
        run.body.write(UInt32(4) | (needsConfirmation(asked, client, run) ? 2 : 0))
        set.encode(to: &run.body)
        // OPEN_DELEGATE_NONE.
        run.body.write(UInt32(0))
        setCurrent(&run, .object(key.filesystem, key.inode))
        run.currentState = id(of: state)
    }

    mutating func downgrade(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let given = try arguments.stateID()
        let sequence = try arguments.uint32()
        let access = run.minor > 0 ? try arguments.uint32() & 0xff : try arguments.uint32()
        let deny = try arguments.uint32()
        let key = try object(run.current, orElse: .inval)
        try checkOwner(of: given, sequence, &run)
        guard var state = try state(given, key, &run), state.kind == .open else { throw .status(.badStateid) }
        guard (1...3).contains(access), deny <= 3, access & ~state.access == 0, deny & ~state.deny == 0 else { throw .status(.inval) }
        state.access = access
        state.deny = deny
        state.sequence = state.sequence &+ 1
        states[state.number] = state
        id(of: state).encode(to: &run.body)
        run.currentState = id(of: state)
    }

    mutating func close(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let sequence = try arguments.uint32()
        let given = try arguments.stateID()
        let key = try object(run.current, orElse: .badStateid)
        try checkOwner(of: given, sequence, &run)
        guard let state = try state(given, key, &run), state.kind == .open else { throw .status(.badStateid) }
        // What the client has not committed is in the file before its last close is answered, as far as that goes; if not, the
        // verifier tells.
        if state.access & NFSShare.write != 0, writers(of: key) == 1 {
            do throws(Stop) { try settle(key, &run, 1) } catch { if case .waiting = error { throw error } }
        }
        release(state.number)
        run.closed = state.number
        // §18.2.4: a stateid that is good for nothing.
        if run.minor > 0 {
            StateID(sequence: .max, boot: 0, number: 0).encode(to: &run.body)
        } else {
            StateID(sequence: state.sequence &+ 1, boot: boot, number: state.number).encode(to: &run.body)
        }
        run.currentState = nil
    }

    private func writers(of key: ObjectKey) -> Int {
        objects[key]?.opens.count { (states[$0]?.access ?? 0) & NFSShare.write != 0 } ?? 0
    }
}

extension OpenArguments {
    fileprivate var isReclaim: Bool { if case .previous = claim { true } else { false } }
    /// Nothing is to be made.
    fileprivate var isPlain: Bool { if case .none = creation { true } else { false } }
}
