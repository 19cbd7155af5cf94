// JavaMail: fetches all rows of the mailbox and reports what that cost, as JSON. It keeps them in the folder.

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.zip.CRC32;
import javax.mail.Address;
import javax.mail.FetchProfile;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Multipart;
import javax.mail.Part;
import javax.mail.Session;
import javax.mail.Store;
import javax.mail.UIDFolder;

public class FetchJavaMail {
  private static int count(Address[] list) {
    return list == null ? 0 : list.length;
  }

  // What it looks at is in the structure that was fetched.
  private static int leaves(Part part) throws Exception {
    if (part.isMimeType("multipart/*")) {
      Multipart parts = (Multipart) part.getContent();
      int n = 0;
      for (int i = 0; i < parts.getCount(); i++) n += leaves(parts.getBodyPart(i));
      return n;
    }
    return part.isMimeType("message/rfc822") ? 1 + leaves((Part) part.getContent()) : 1;
  }

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.setProperty("mail.imap.connectionpoolsize", "1");
    Store store = Session.getInstance(settings).getStore("imap");
    store.connect(args[0], Integer.parseInt(args[1]), "jo", "pass");
    Folder folder = store.getFolder("INBOX");
    folder.open(Folder.READ_ONLY);
    FetchProfile profile = new FetchProfile(); // ENVELOPE has the date and the size with it
    profile.add(UIDFolder.FetchProfileItem.UID);
    profile.add(FetchProfile.Item.FLAGS);
    profile.add(FetchProfile.Item.ENVELOPE);
    profile.add(FetchProfile.Item.CONTENT_INFO);
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpu = system.getProcessCpuTime(), began = System.nanoTime();
    Message[] rows = folder.getMessages();
    folder.fetch(rows, profile);
    cpu = system.getProcessCpuTime() - cpu;
    double wall = (System.nanoTime() - began) / 1e9;

    long uids = 0, sizes = 0, decoded = 0, addresses = 0, leaves = 0;
    for (Message row : rows) {
      uids += ((UIDFolder) folder).getUID(row);
      sizes += row.getSize();
      String subject = row.getSubject();
      CRC32 crc = new CRC32();
      crc.update((subject == null ? "" : subject).getBytes(StandardCharsets.UTF_8));
      decoded += crc.getValue();
      addresses += count(row.getFrom()) + count(row.getReplyTo());
      addresses += ((javax.mail.internet.MimeMessage) row).getSender() == null ? 0 : 1;
      for (Message.RecipientType type : new Message.RecipientType[] {Message.RecipientType.TO, Message.RecipientType.CC, Message.RecipientType.BCC}) {
        addresses += count(row.getRecipients(type));
      }
      leaves += leaves(row);
    }
    System.out.printf(
        "{\"totals\":{\"messages\":%d,\"uids\":%d,\"sizes\":%d,\"decoded\":%d,\"addresses\":%d,\"leaves\":%d},"
            + "\"user_seconds\":%.3f,\"system_seconds\":0,\"wall_seconds\":%.3f,\"version\":\"JavaMail %s, Java %s\"}%n",
        rows.length, uids, sizes, decoded, addresses, leaves, cpu / 1e9, wall,
        Session.class.getPackage().getImplementationVersion(), System.getProperty("java.version"));
    System.exit(0);
  }
}
