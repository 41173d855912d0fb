import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives
import Replication

// What nodes want done, with messages that take their time, disks in memory, and dictionaries for content.

extension TestCluster {
    func roundTrip(_ from: Int, _ to: Int) -> Duration { delay(from, to) * 2 }

    func delay(_ from: Int, _ to: Int) -> Duration {
        let trip = regionOf[from] == regionOf[to] ? 1 : distance(regionOf[from].name, regionOf[to].name)
        return .microseconds(trip * 500)
    }

    func interpret(_ effects: [Effect], on node: Int) {
        let host = hosts[node]
        for effect in effects {
            switch effect {
            case .send(let to, _, let message, let attachment):
                let target = index(of: to)
                guard !cut(node, target), hosts[target].isUp else { continue }
                // The bytes are encoded and decoded, as on the wire.
                guard let decoded = try? Message(xdr: message.xdrBytes) else {
                    faults.append("node \(node + 1) sends what cannot be read: \(message)")
                    continue
                }
                let payload = attachment.flatMap { buffer -> Payload? in
                    guard let bytes = host.buffers[buffer] else {
                        faults.append("node \(node + 1) sends a buffer that it has dropped")
                        return nil
                    }
                    return hosts[target].insert(bytes)
                }
                post(.message(from: NodeID(UInt64(node) + 1), decoded, attachment: payload), to: target, after: delay(node, target))
            case .gossip(let to, let packet):
                guard let target = hosts.indices.first(where: { Self.gossip($0) == to }), !cut(node, target) else { continue }
                post(.gossip(from: Self.gossip(node), packet), to: target, after: delay(node, target))
            case .sync(let id, let endpoint, _, let payload):
                guard let target = hosts.indices.first(where: { Self.peer($0) == endpoint }), !cut(node, target), hosts[target].isUp else {
                    post(.syncFailed(id), to: node, after: .milliseconds(10))
                    continue
                }
                syncSerial += 1
                let token = SyncToken(syncSerial)
                syncs[token] = (node, id)
                post(.syncRequest(token, payload), to: target, after: delay(node, target))
            case .answerSync(let token, let payload):
                guard let (asker, id) = syncs.removeValue(forKey: token) else { continue }
                post(.syncReply(id, payload), to: asker, after: delay(node, asker))
            case .join(let endpoint, let request):
                guard let target = hosts.indices.first(where: { Self.peer($0) == endpoint }), !cut(node, target), hosts[target].isUp else {
                    post(.joinReply(nil), to: node, after: .milliseconds(10))
                    continue
                }
                syncSerial += 1
                let token = SyncToken(syncSerial)
                syncs[token] = (node, SyncID(0))
                guard let decoded = try? JoinRequest(xdr: request.xdrBytes) else {
                    faults.append("node \(node + 1) asks to join with what cannot be read")
                    continue
                }
                post(.joinRequest(token, from: host.id, decoded), to: target, after: delay(node, target))
            case .answerJoin(let token, let reply):
                guard let (asker, _) = syncs.removeValue(forKey: token) else { continue }
                post(.joinReply(try? JoinReply(xdr: reply.xdrBytes)), to: asker, after: delay(node, asker))
            case .publish(.fault(let what)): host.faults.append(what)
            case .publish(.contentLost(_, _, let chunks, let files)): host.contentLost.append((chunks, files))
            case .publish(.handedOver): host.hasHandedOver = true
            case .removeGroup(let group): host.disk.remove(group)
            case .peer, .publish: break
            case .startTimer(let key, let generation, let at):
                timerSerial += 1
                let serial = timerSerial << 32 | UInt64(node)
                generations[serial] = generation
                host.timers[key] = serial
                post(.timer(key, generation: serial), to: node, after: at > now ? at - now : .zero)
            case .cancelTimer(let key): host.timers[key] = nil
            case .persist(let token, let writes):
                host.disk.write(writes)
                post(.logDurable(token: token), to: node, after: .milliseconds(1))
            case .saveSnapshot(let group, let metadata, let machine):
                host.disk.save(group, metadata, machine)
                post(.snapshotSaved(group, metadata, ok: true), to: node, after: .milliseconds(5))
            case .sendSnapshot(let group, let to, _):
                let target = index(of: to)
                guard let saved = host.disk.groups[group]?.snapshot, !cut(node, target), hosts[target].isUp else {
                    post(.snapshotSent(group, to: to, ok: false), to: node, after: .milliseconds(5))
                    continue
                }
                hosts[target].disk.save(group, saved.metadata, saved.machine)
                post(.snapshotReceived(group, saved.metadata, saved.machine), to: target, after: delay(node, target))
                post(.snapshotSent(group, to: to, ok: true), to: node, after: delay(node, target) * 2)
            case .stageWrite(let stage, let offset, let buffer, _, let token):
                host.stages[stage, default: []].append((offset, host.buffers[buffer]!))
                post(.stageWritten(token, ok: true, reason: ""), to: node, after: .microseconds(100))
            case .storeStage(let stage, let inPlace, let limit, let token):
                post(
                    .stageStored(token, store(host.stages.removeValue(forKey: stage) ?? [], inPlace, limit, host)), to: node,
                    after: .milliseconds(1))
            case .dropStage(let stage): host.stages[stage] = nil
            case .readExtents(let extents, let under, let offset, let length, let token):
                read(extents, under, offset, length, token, node)
            case .makeBuffer(let bytes, let token): post(.bytesRead(token, host.insert(bytes)), to: node, after: .zero)
            case .sliceBuffer(let buffer, let offset, let length, let token):
                guard let whole = host.buffers[buffer] else {
                    faults.append("node \(node + 1) takes a slice of a buffer that it has dropped")
                    continue
                }
                let part = Array(whole[Int(offset)..<Int(offset) + Int(length)])
                post(.bytesRead(token, host.insert(part)), to: node, after: .zero)
            case .pushChunks(let chunks, let to, let token):
                let target = index(of: to)
                let ok = !cut(node, target) && hosts[target].isUp && !isStarved(target)
                pushesSent += 1
                let isStored = ok && copy(chunks, from: node, to: target)
                if losesAcknowledgements(target) { continue }
                post(.chunksPushed(token, ok: isStored), to: node, after: delay(node, target) * 2)
            case .fetchChunks(let chunks, let from, let token):
                fetch(chunks, from: index(of: from), token, node)
            case .chunks(let work): perform(work, node)
            case .dropBuffer(let buffer): host.buffers[buffer] = nil
            case .reply(let request, let reply):
                if !host.answered.insert(request).inserted { faults.append("request \(request) of node \(node + 1) was answered twice") }
                host.replies[request] = reply
            }
        }
    }

    private func store(_ writes: [(offset: UInt64, bytes: [UInt8])], _ inPlace: Bool, _ limit: UInt32, _ host: Host) -> StoredContent {
        var whole: [UInt8] = []
        for write in writes {
            let end = Int(write.offset) + write.bytes.count
            if whole.count < end { whole += [UInt8](repeating: 0, count: end - whole.count) }
            whole.replaceSubrange(Int(write.offset)..<end, with: write.bytes)
        }
        if whole.count <= Int(limit) {
            return inPlace ? .patches(writes.map { ContentPatch(offset: $0.offset, bytes: $0.bytes) }) : .inline(whole)
        }
        let start = Int(writes.map(\.offset).min() ?? 0)
        let piece = Array(whole[start...])
        let chunk = ChunkReference(id: SHA256.hash(piece), length: UInt32(piece.count))
        host.chunks[chunk.id] = piece
        host.touched[chunk.id] = now
        return .extents(
            [Extent(offset: UInt64(start), length: UInt64(piece.count), chunk: chunk, chunkOffset: 0)], size: UInt64(whole.count))
    }

    private func read(_ extents: [Extent], _ under: [UInt8], _ offset: UInt64, _ length: UInt32, _ token: WaitToken, _ node: Int) {
        let host = hosts[node]
        let missing = extents.filter { host.chunks[$0.chunk.id] == nil }.map(\.chunk.id)
        guard missing.isEmpty else {
            post(.bytesMissing(token, missing, reason: ""), to: node, after: .microseconds(50))
            return
        }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        for (position, byte) in under.enumerated() where UInt64(position) >= offset && UInt64(position) < offset + UInt64(length) {
            bytes[position - Int(offset)] = byte
        }
        for extent in extents {
            let raw = host.chunks[extent.chunk.id]!
            for place in max(extent.offset, offset)..<min(extent.end, offset + UInt64(length)) {
                bytes[Int(place - offset)] = raw[Int(place - extent.offset) + Int(extent.chunkOffset)]
            }
        }
        post(.bytesRead(token, host.insert(bytes)), to: node, after: .microseconds(200))
    }
}
