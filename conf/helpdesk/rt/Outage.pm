# Request Tracker 4.4 and 5: a mail plugin that lets outage-milter sort new tickets. doc/helpdesks.md says how to install it.
#
# With helpdesk = "rt" the milter adds headers such as these to mail that it routes:
#
#     X-Outage-RT-Command: Queue: VIP
#     X-Outage-RT-Command: Priority: 100
#     X-Outage-RT-Command: Owner: jane@example.com
#     X-Outage-RT-Command: Due: 2026-11-21 15:40:00 UTC
#
# A new ticket is made in that queue and then gets the rest, as RT_System. A mail to a ticket that exists changes nothing. What RT does not
# know (a queue, an owner without rights) is logged and passed over: the ticket is made all the same.
package RT::Interface::Email::Action::Outage;

use strict;
use warnings;

use Role::Basic 'with';
with 'RT::Interface::Email::Role';

use RT::Interface::Email::Action::Defaults;

# Returns the orders that a mail carries, by name in lower case; of two of one name the first counts.
sub orders {
    my ($message) = @_;
    my $header = RT->Config->Get('OutageHeader') || 'X-RT-Command';
    my %orders;

    for my $line ( map { Encode::decode( 'UTF-8', $_ ) } $message->head->get_all($header) ) {
        $line =~ /^\s*(\w+)\s*:\s*(.*\S)/ and $orders{ lc $1 } //= $2;
    }
    return \%orders;
}

# RT asks every plugin whether the sender may do what he wants; $args{Queue} is the object that the ticket is made with. Never says yes:
# RT's own rules decide, of the new queue then. A queue in which the sender may not make tickets is no order, or his mail would be refused.
sub CheckACL {
    my %args = ( Ticket => undef, Queue => undef, Message => undef, CurrentUser => undef, @_ );
    my $name = orders( $args{Message} )->{queue};

    return if !defined $name || ( $args{Ticket} && $args{Ticket}->id );
    my $queue = RT::Queue->new( RT->SystemUser );
    $queue->Load($name);
    if ( $queue->id && !$queue->Disabled && $args{CurrentUser}->HasRight( Right => 'CreateTicket', Object => $queue ) ) {
        $args{Queue}->Load( $queue->id );
    }
    else {
        RT->Logger->warning("outage-milter wants the queue $name, in which this sender can make no ticket");
    }
    return;
}

# Gives a ticket an owner, by name or address.
sub set_owner {
    my ( $ticket, $name ) = @_;
    my $user = RT::User->new( RT->SystemUser );

    $name =~ /@/ ? $user->LoadByEmail($name) : $user->Load($name);
    return $user->id ? $ticket->SetOwner( $user->id ) : ( 0, 'there is no such user' );
}

sub set_due {
    my ( $ticket, $time ) = @_;
    my $date = RT::Date->new( RT->SystemUser );

    $time =~ s/ UTC\z//;
    $date->Set( Format => 'ISO', Value => $time );
    return $date->IsSet ? $ticket->SetDue( $date->ISO ) : ( 0, 'that is no time' );
}

my %set = (
    priority => sub { $_[1] =~ /\A\d{1,9}\z/ ? $_[0]->SetPriority( $_[1] ) : ( 0, 'that is no number' ) },
    owner    => \&set_owner,
    due      => \&set_due,
);

# Lets RT make the ticket, then gives it what the mail orders.
sub handle {
    my ( $default, %args ) = @_;
    my $orders = orders( $args{Message} );

    $default->(%args);
    return if $args{TicketId} || !$args{Ticket}->id;
    my $ticket = RT::Ticket->new( RT->SystemUser );
    $ticket->Load( $args{Ticket}->id );
    for my $name ( grep { defined $orders->{$_} } sort keys %set ) {
        my ( $done, $why ) = $set{$name}->( $ticket, $orders->{$name} );
        $done or RT->Logger->warning("outage-milter wants $name $orders->{$name} for ticket #" . $ticket->id . ": $why");
    }
    return;
}

sub HandleCorrespond { return handle( \&RT::Interface::Email::Action::Defaults::HandleCorrespond, @_ ) }
sub HandleComment    { return handle( \&RT::Interface::Email::Action::Defaults::HandleComment,    @_ ) }

1;
